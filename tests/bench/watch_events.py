"""Watch events per second into a rollout's state, beside the official client's own `Watch`; and the
streams that rollouts of one namespace hold.

Both read the same stream from the same server in the same run, in turns. Ours is measured to the
snapshot that shows the last event; the official client's to the last event, which is then only
decoded. Seconds are those of the reading process's processor, so that neither a busy machine nor a
server slower than its reader blurs the figures. A stream about 200 pods is what a namespace says;
one about as many pods as events is the worst case, where nothing can be left out.
"""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from bot.adapters.kubernetes_cluster import KubernetesCluster
from bot.adapters.wall_clock import WallClock
from bot.domain.workload import Workload
from tests.bench.events_server import LAST
from tests.bench.processes import api_server
from tests.bench.rows import Row

EVENTS = 5_000
TURNS = 3
NAMESPACE = "dynamo-qa"
SERVER = "tests.bench.events_server"
_PATIENCE = 120


def run() -> list[Row]:
    rows = []
    for pods, what in (
        (200, f"watch events, {EVENTS:,} about 200 pods"),
        (EVENTS, f"watch events, {EVENTS:,} about as many pods"),
    ):
        with api_server(SERVER, str(EVENTS), str(pods)) as kubeconfig:
            ours, peer = [], []
            for _ in range(TURNS):
                peer.append(asyncio.run(official(kubeconfig)))
                ours.append(asyncio.run(dynamo(kubeconfig)))
        aim = "≥ 10 × the official Watch" if pods == 200 else "no aim: the worst case"
        rows.append(
            Row(
                what,
                statistics.median(ours),
                statistics.median(peer),
                "events/s of processor time",
                aim,
            )
        )
    with api_server(SERVER, "1", "1") as kubeconfig:
        for rollouts in (1, 200):
            held = asyncio.run(streams(kubeconfig, rollouts))
            rows.append(Row(f"streams held for {rollouts} rollouts", held, None, "streams", "3"))
    return rows


async def dynamo(kubeconfig: Path) -> float:
    """Events per second through the adapter into snapshots of the workload."""
    cluster = KubernetesCluster(WallClock(), kubeconfig=str(kubeconfig))
    done = asyncio.Event()

    def changed(workload: Workload) -> None:
        if any(pod.phase == LAST for pod in workload.pods):
            done.set()

    await cluster.workloads("", NAMESPACE)  # connected, as the peer is
    start = time.process_time()
    stop = cluster.follow("", NAMESPACE, "tasks-service", changed, lambda _: None)
    async with asyncio.timeout(_PATIENCE):
        await done.wait()
    seconds = time.process_time() - start
    stop()
    await cluster.close()
    return EVENTS / seconds


async def official(kubeconfig: Path) -> float:
    """Events per second through `kubernetes.aio.watch.Watch`, decoded into its models."""
    from kubernetes.aio import client, config, watch

    configuration = client.Configuration()
    load: Any = config.load_kube_config
    await load(str(kubeconfig), client_configuration=configuration)
    async with client.ApiClient(configuration) as api:
        core = client.CoreV1Api(api)
        await core.list_namespaced_pod(NAMESPACE)
        make: Any = watch.Watch
        watching = make()
        start = time.process_time()
        async with watching.stream(core.list_namespaced_pod, NAMESPACE) as events:
            async for event in events:
                if event["object"].status.phase == LAST:
                    break
        seconds = time.process_time() - start
        await watching.close()
    return EVENTS / seconds


async def streams(kubeconfig: Path, rollouts: int) -> float:
    """The watch connections that this many rollouts of one namespace hold."""
    cluster = KubernetesCluster(WallClock(), kubeconfig=str(kubeconfig))
    heard: set[int] = set()
    everybody = asyncio.Event()
    for number in range(rollouts):

        def changed(_: Workload, number: int = number) -> None:
            heard.add(number)
            if len(heard) == rollouts:
                everybody.set()

        cluster.follow("", NAMESPACE, f"service-{number}", changed, lambda _: None)
    async with asyncio.timeout(_PATIENCE):
        await everybody.wait()
        await _opened(cluster)
    held = cluster.streams
    await cluster.close()
    return held


async def _opened(cluster: KubernetesCluster) -> None:
    while True:
        await asyncio.sleep(0.05)
        if cluster.streams >= 3:
            return


if __name__ == "__main__":
    for row in run():
        print(row)
