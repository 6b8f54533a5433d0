"""From a pod status that dooms a rollout to the card's edit arriving at Slack, and what an ordinary
rollout costs in Slack calls. In the sandbox at its real pace, bot and world in one process.

The peer is `kubectl rollout status`, following the same rollouts: it knows only the progress
deadline, which is set to ten seconds here in its favour (the default is 600).
"""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

from bot.sandbox.launcher import Options, Sandbox, launch
from bot.sandbox.slack.driver import SlackDriver
from tests.bench.rows import Row

SERVICES = ("auth-service", "projects-service", "forms-service", "tasks-service")
KUBECTL_DEADLINE = 10


def run() -> list[Row]:
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    calls = await _calls_of_an_ordinary_rollout()
    delays, kubectl = await _doom_to_edit()
    worst = sorted(delays)[int(len(delays) * 0.95)]
    return [
        Row(
            f"doomed pod status → edit at Slack, p95 of {len(delays)}",
            worst,
            kubectl,
            "s",
            "≤ 0.5; kubectl rollout status waits for the deadline",
        ),
        Row("Slack calls of an ordinary rollout", calls, None, "calls", "≤ 12"),
    ]


async def _calls_of_an_ordinary_rollout() -> int:
    with tempfile.TemporaryDirectory() as home:
        async with (
            launch(Options(keep=Path(home))) as sandbox,
            SlackDriver(sandbox.url) as slack,
        ):
            before = await _calls(slack)
            await slack.say("ben", "#general", "/dynamo deploy tasks-service qa")
            await _settled(sandbox, 1)
            return await _calls(slack) - before


async def _calls(slack: SlackDriver) -> int:
    return sum(1 for e in await slack.transcript() if e["direction"] == "to_slack")


async def _settled(sandbox: Sandbox, count: int) -> None:
    async with asyncio.timeout(120):
        while True:
            found = await sandbox.dynamo.edges.store.recent(limit=100)
            if len(found) >= count and all(rollout.settled for rollout in found):
                return
            await asyncio.sleep(0.05)


async def _doom_to_edit() -> tuple[list[float], float | None]:
    delays: list[float] = []
    kubectl = None
    for _ in range(5):
        with tempfile.TemporaryDirectory() as home:
            async with (
                launch(Options(keep=Path(home))) as sandbox,
                SlackDriver(sandbox.url) as slack,
            ):
                delays += [await _one(sandbox, slack, service) for service in SERVICES]
                kubectl = kubectl or await _kubectl(sandbox)
    return delays, kubectl


async def _one(sandbox: Sandbox, slack: SlackDriver, service: str) -> float:
    doomed: list[float] = []

    def see(event: object) -> None:
        statuses = event.object.get("status", {}).get("containerStatuses", [])  # type: ignore[attr-defined]
        waiting = [s.get("state", {}).get("waiting", {}).get("reason") for s in statuses]
        named = event.object["metadata"]["name"].startswith(service)  # type: ignore[attr-defined]
        if named and "ErrImagePull" in waiting and not doomed:
            doomed.append(time.perf_counter())

    stop = sandbox.world.storage.subscribe("pods", see)
    sandbox.world.set_trouble("bad-tag", service, "qa")
    await slack.watch("ben")
    await slack.say("ben", "#qa-deploys", f"/dynamo deploy {service} qa")
    await slack.message(
        "ben",
        channel="#qa-deploys",
        where=lambda m: m.text.startswith(service) and "failed" in m.text,
        timeout=30,
    )
    arrived = time.perf_counter()
    stop()
    return arrived - doomed[0]


async def _kubectl(sandbox: Sandbox) -> float | None:
    """Seconds from the doomed status to kubectl's word, for a Deployment of its own."""
    binary = shutil.which("kubectl")
    if binary is None:
        return None
    base = [binary, f"--kubeconfig={sandbox.settings.kubeconfig}", "-n", "dynamo-dev"]
    patch = f'{{"spec":{{"progressDeadlineSeconds":{KUBECTL_DEADLINE}}}}}'
    name = "deployment/notifications-service"
    await _run([*base, "patch", name, "-p", patch])
    sandbox.world.set_trouble("bad-tag", "notifications-service", "dev")
    await _run(
        [
            *base,
            "set",
            "image",
            name,
            "notifications-service=registry.yourapp.com/dynamo/notifications-service:4.1.0",
        ]
    )
    began = time.perf_counter()
    await _run([*base, "rollout", "status", name])
    return time.perf_counter() - began


async def _run(command: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    await process.wait()
