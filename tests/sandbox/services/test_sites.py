"""What a user of an environment reaches: answers follow the pods, the troubles and the outages."""

import shutil
import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.http_probes import HttpProbes
from bot.domain.probing import Reached
from bot.sandbox.launcher import Sandbox

QA = "https://qa.yourapp.com"
TASKS = f"{QA}/tasks-service"


def set_now(sandbox: Sandbox, kind: str, service: str = "tasks-service") -> None:
    sandbox.world.set_trouble(kind, service, "qa", now=True)


async def test_routes_and_health_answer(probes: HttpProbes) -> None:
    for url, status in (
        (f"{TASKS}/healthz", 200),
        (f"{TASKS}/tasks", 200),
        (f"{TASKS}/tasks?limit=1", 200),
        (f"{TASKS}/nothing", 404),
        (f"{QA}/healthz", 200),  # api-gateway stands at the root
        (f"{QA}/v1/projects", 200),
        (f"{QA}/auth-service/jwks.json", 200),
    ):
        answer = await probes.get(url)
        assert (answer.reached, answer.status) == (Reached.ANSWERED, status), url


async def test_answers_take_tens_of_milliseconds_whatever_the_speed_and_the_machine(
    probes: HttpProbes,
) -> None:
    times = [(await probes.get(f"{TASKS}/tasks")).seconds for _ in range(8)]
    assert len(set(times)) == 8, "each its own"
    assert all(0.03 < each < 0.15 for each in times), "told, not measured"


async def test_a_slower_release_takes_more_than_twice_as_long(
    sandbox: Sandbox, probes: HttpProbes
) -> None:
    async def median() -> float:
        times = [(await probes.get(f"{TASKS}/tasks")).seconds for _ in range(9)]
        return statistics.median(times)

    before = await median()
    set_now(sandbox, "slower")
    assert await median() > 1.6 * before


async def test_a_failing_release_fails_a_few_percent(sandbox: Sandbox, probes: HttpProbes) -> None:
    set_now(sandbox, "fails-3-percent")
    statuses = [(await probes.get(f"{TASKS}/tasks")).status for _ in range(400)]
    assert 2 <= statuses.count(500) <= 30
    assert statuses.count(200) == 400 - statuses.count(500)


async def test_without_ready_pods_the_ingress_answers_503(
    sandbox: Sandbox, probes: HttpProbes
) -> None:
    world = sandbox.world
    for pod in [*world.plane.pods.in_namespace("dynamo-qa")]:
        if pod["metadata"]["name"].startswith("tasks-service-"):

            def not_ready(stored: dict[str, Any]) -> None:
                for condition in stored["status"]["conditions"]:
                    if condition["type"] == "Ready":
                        condition["status"] = "False"

            world.storage.update_status(
                "pods", "dynamo-qa", pod["metadata"]["name"], not_ready, manager="test"
            )
    assert (await probes.get(f"{TASKS}/healthz")).status == 503
    assert (await probes.get(f"{QA}/healthz")).status == 200


async def test_outages_come_at_once_and_go(sandbox: Sandbox, probes: HttpProbes) -> None:
    assert sandbox.town is not None
    outages = sandbox.town.outages
    outages.set("service-fails", "auth-service", "qa")
    assert (await probes.get(f"{QA}/auth-service/healthz")).status == 503
    assert (await probes.get("https://dev.yourapp.com/auth-service/healthz")).status == 200
    outages.set("redirects-for-ever", "tasks-service", "qa")
    assert (await probes.get(f"{TASKS}/tasks")).reached is Reached.REDIRECTS
    outages.lift()
    assert (await probes.get(f"{QA}/auth-service/healthz")).status == 200
    assert (await probes.get(f"{TASKS}/tasks")).status == 200


async def test_lifting_what_befell_one_leaves_the_others(sandbox: Sandbox) -> None:
    assert sandbox.town is not None
    outages = sandbox.town.outages
    outages.set("service-fails", "auth-service", "qa")
    outages.set("service-fails", "tasks-service", "qa")
    outages.set("supabase-auth-away", None, "dev")
    outages.lift(service="auth-service", environment="qa")
    assert not outages.holds("service-fails", "qa", "auth-service")
    assert outages.holds("service-fails", "qa", "tasks-service")
    assert outages.holds("supabase-auth-away", "dev")
    with pytest.raises(ValueError, match="no outage"):
        outages.set("rain", None, None)


async def test_supabase_wants_a_key_and_tells_its_health(
    sandbox: Sandbox, probes: HttpProbes
) -> None:
    async def statuses(host: str) -> list[int]:
        paths = ("/auth/v1/health", "/rest/v1/", "/storage/v1/status")
        return [(await probes.get(f"https://{host}{path}")).status for path in paths]

    assert await statuses("yourapp-qa.supabase.co") == [200, 401, 200]
    assert await statuses("yourapp-dev.supabase.co") == [401, 401, 401]  # no key for that one
    assert sandbox.town is not None
    sandbox.town.outages.set("supabase-auth-away", None, "qa")
    assert await statuses("yourapp-qa.supabase.co") == [503, 401, 200]
    sandbox.town.outages.set("supabase-storage-slow", None, "qa")
    url = "https://yourapp-qa.supabase.co/storage/v1/status"
    assert (await probes.get(url, seconds=0.3)).reached is Reached.TIMED_OUT


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
async def test_certificates_last_and_can_be_made_to_end(
    sandbox: Sandbox, probes: HttpProbes
) -> None:
    async def days(url: str) -> float:
        found = await probes.certificate(url)
        assert found is not None
        assert found.expires_at is not None
        return (found.expires_at - datetime.now(UTC)) / timedelta(days=1)

    assert 70 < await days(QA) < 80
    assert sandbox.town is not None
    sandbox.town.outages.set("certificate-ends", None, "qa")
    assert 1 < await days(QA) < 3
    assert 70 < await days("https://app.yourapp.com") < 80
