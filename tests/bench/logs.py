"""Logs: lines read, parsed, filtered and redacted per second beside `kubectl logs` of the same
stream; many pods merged; a hundred live logs at once; what redaction masks and what it touches.

Lines per second are those of the reading process's processor (all of its threads), so that neither
a busy machine nor a server slower than its reader blurs them. kubectl writes into a pipe that is
read, as it does for whoever filters its lines; it parses, filters and masks nothing.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import yaml

from bot.adapters.kubernetes_cluster import KubernetesCluster
from bot.adapters.kubernetes_logs import KubernetesLogs
from bot.adapters.wall_clock import WallClock
from bot.domain.log_answer import LogAnswer
from bot.domain.log_query import Query, read_query
from bot.domain.redaction import prepare, redact
from bot.ports import LogOf
from bot.sandbox.launcher import CONFIG, Options, Sandbox, launch
from bot.sandbox.slack import seed
from bot.sandbox.slack.driver import SlackDriver
from bot.sandbox.slack.workspace import User
from bot.workflows.log_reading import LogPlace, LogThread, read_logs
from tests.bench import ack
from tests.bench.ack import p
from tests.bench.commands import slash
from tests.bench.logs_server import NAME, NAMESPACE
from tests.bench.pressers import send
from tests.bench.processes import api_server, running, until_answers
from tests.bench.rows import Row
from tests.processes import bot_environment
from tests.programs import free_port
from tests.redaction_corpus import ordinary, secrets

SERVER = "tests.bench.logs_server"
LINES = 200_000
PODS, LINES_OF_EACH, TAIL = 20, 10_000, 200
FOLLOWERS, PEOPLE = 100, tuple(f"U0FOLLOWER{number:02}" for number in range(20))
WATCHED = 45  # seconds in which edits are counted
SETTLED = 70  # a card that was posted within a minute takes part of the budget of edits, too
_TURNS = 3
_PLACE = LogPlace(NAME, "qa", "", NAMESPACE, NAME)


def run() -> list[Row]:
    return [*_stream(), *_merged(), *asyncio.run(_followers()), *_corpus()]


# --- one stream, beside kubectl ------------------------------------------------------------------


def _stream() -> list[Row]:
    with api_server(SERVER, "1", str(LINES)) as kubeconfig:
        ours, peer = [], []
        for _ in range(_TURNS):
            ours.append(asyncio.run(_read(kubeconfig)))
            peer.append(_kubectl(kubeconfig))
    return [
        Row(
            "log lines read, parsed, filtered and redacted",
            statistics.median(ours),
            statistics.median(peer),
            "lines/s of processor time",
            "≥ 50,000 and ≥ 0.5 × kubectl logs",
        )
    ]


async def _read(kubeconfig: Path) -> float:
    query = read_query({"level": "info", "grep": "request", "tail": "5000"}, None)
    assert isinstance(query, Query)
    prepare()
    async with cluster(kubeconfig) as (served, _):
        thread = LogThread()
        start = time.process_time()
        answer = await read_logs(
            _PLACE,
            query,
            cluster=served,
            logs=KubernetesLogs(served.connections),
            clock=WallClock(),
            thread=thread,
        )
        seconds = time.process_time() - start
        thread.close()
    assert isinstance(answer, LogAnswer)
    assert answer.total == LINES, answer.total
    assert len(answer.lines) == 5_000
    return LINES / seconds


def _kubectl(kubeconfig: Path) -> float:
    command = ["kubectl", "--kubeconfig", str(kubeconfig), "logs", "-n", NAMESPACE]
    command += [f"{NAME}-r-00000", "--timestamps"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    counted = [0]

    def drain(pipe: int) -> None:
        while block := os.read(pipe, 1 << 20):
            counted[0] += block.count(b"\n")

    reader = threading.Thread(target=drain, args=(process.stdout.fileno(),))
    reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    reader.join()
    process.stdout.close()
    assert counted[0] == LINES, counted[0]
    return LINES / (usage.ru_utime + usage.ru_stime)


# --- many pods, merged ---------------------------------------------------------------------------


def _merged() -> list[Row]:
    with api_server(SERVER, str(PODS), str(LINES_OF_EACH)) as kubeconfig:
        command = [sys.executable, "-m", "tests.bench.logs", str(kubeconfig)]
        found = [
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for _ in range(_TURNS)
        ]
    what = f"{PODS} pods × {LINES_OF_EACH:,} lines merged"
    late = statistics.median(each["late"] for each in found)
    grown = statistics.median(each["grown"] for each in found)
    return [
        Row(f"{what}, last byte → answer", late, None, "s", "≤ 1"),
        Row(f"{what}, memory for a tail of {TAIL}", grown, None, "MB", "bounded by the tail"),
    ]


async def _merge(kubeconfig: Path) -> dict[str, float]:
    """In a process of its own, whose memory nothing else has grown."""
    prepare()
    thread = LogThread()
    async with cluster(kubeconfig) as (served, logs):
        await served.workload("", NAMESPACE, NAME)
        before = _peak_mb()
        query = read_query({"grep": "request", "tail": str(TAIL)}, None)
        assert isinstance(query, Query)
        answer = await read_logs(
            _PLACE, query, cluster=served, logs=logs, clock=WallClock(), thread=thread
        )
        late = time.perf_counter() - logs.last_byte
    thread.close()
    assert isinstance(answer, LogAnswer)
    assert answer.total == PODS * LINES_OF_EACH
    assert len(answer.lines) == TAIL
    return {"late": late, "grown": _peak_mb() - before}


class _Timed(KubernetesLogs):
    """Notes when the last byte of all came."""

    last_byte = 0.0

    @asynccontextmanager
    async def log(self, of: LogOf) -> AsyncIterator[AsyncIterator[bytes]]:
        async with super().log(of) as chunks:
            yield self._timed(chunks)

    async def _timed(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.last_byte = time.perf_counter()
            yield chunk


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- a hundred live logs -------------------------------------------------------------------------


async def _followers() -> list[Row]:
    with tempfile.TemporaryDirectory() as home:
        options = Options(keep=Path(home) / "keep", config=_catalog(Path(home)), bot=False)
        async with launch(options) as sandbox, SlackDriver(sandbox.url) as slack:
            for user in PEOPLE:
                sandbox.slack.workspace.add_user(User(user, user.lower(), user, user))
            await slack.watch("ben")
            port = free_port()
            environment = bot_environment(
                sandbox.settings, port, SLACK_SIGNING_SECRET=seed.SIGNING_SECRET
            )
            async with running("-m", "bot", "run", environment=environment):
                url = f"http://127.0.0.1:{port}"
                await until_answers(f"{url}/readyz")
                await _start_all(sandbox, url, slack)
                await asyncio.sleep(SETTLED)
                edits = len(await slack.calls("chat.update"))
                began = time.perf_counter()
                sandbox.slack.rates.mode = "off"  # of the answers to the commands that are timed
                acks = await ack._load(port, sandbox)
                await asyncio.sleep(max(0.0, WATCHED - (time.perf_counter() - began)))
                seconds = time.perf_counter() - began
                edits = len(await slack.calls("chat.update")) - edits
    what = f"{FOLLOWERS} live logs at once"
    return [
        Row(f"{what}, ack of a command at 100/s, p99", p(acks, 0.99), None, "ms", "≤ 100"),
        Row(f"{what}, Slack edits", edits * 60 / seconds, None, "edits a minute", "≤ 40"),
    ]


async def _start_all(sandbox: Sandbox, url: str, slack: SlackDriver) -> None:
    """Five of each of twenty people, at the pace at which Slack lets messages be posted."""
    orders = {"events": f"{url}/slack/events", "secret": seed.SIGNING_SECRET}
    services = ("tasks-service", "forms-service", "projects-service", "auth-service", "api-gateway")
    sandbox.slack.rates.mode = "off"
    async with aiohttp.ClientSession() as http:
        for number in range(FOLLOWERS):
            person, service = PEOPLE[number % len(PEOPLE)], services[number // len(PEOPLE)]
            line = f"logs {service} qa --follow --tail {number + 1}"
            body = slash(sandbox, line, seed.QA_DEPLOYS).replace(seed.BEN, person)
            await send(http, orders, body)
    async with asyncio.timeout(60):
        while True:
            posted = [m for m in await slack.messages("ben", "#qa-deploys") if "live" in m.words]
            if len(posted) >= FOLLOWERS:
                break
            await asyncio.sleep(0.2)
    sandbox.slack.rates.mode = "real"


def _catalog(home: Path) -> Path:
    catalog = yaml.safe_load(CONFIG.read_text())
    catalog["roles"]["qa"]["users"] = list(PEOPLE)
    (home / "k8s").symlink_to(CONFIG.parent / "k8s")
    path = home / "dynamo.yml"
    path.write_text(yaml.safe_dump(catalog, sort_keys=False, allow_unicode=True))
    return path


# --- what is masked ------------------------------------------------------------------------------


def _corpus() -> list[Row]:
    planted = secrets()
    kinds = {each.kind for each in planted}
    masked = sum(each.secret not in redact(each.text) for each in planted)
    lines = ordinary()
    touched = sum(redact(line) != line for line in lines)
    aim = "100, of at least 40 kinds"
    return [
        Row(f"secrets masked, of {len(kinds)} kinds", 100 * masked / len(planted), None, "%", aim),
        Row("ordinary lines touched, in 1 MB", 100 * touched / len(lines), None, "%", "≤ 0.1"),
    ]


# --- the world -----------------------------------------------------------------------------------


@asynccontextmanager
async def cluster(kubeconfig: Path) -> AsyncIterator[tuple[KubernetesCluster, _Timed]]:
    served = KubernetesCluster(WallClock(), kubeconfig=str(kubeconfig))
    try:
        await served.workload("", NAMESPACE, NAME)  # connected
        yield served, _Timed(served.connections)
    finally:
        await served.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_merge(Path(sys.argv[1])))))
