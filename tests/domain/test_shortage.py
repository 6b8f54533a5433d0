"""Which resource is short, and by how much."""

from decimal import Decimal

import pytest

from bot.domain.shortage import NodeRoom, Taken, amounts_of, requests_of, shortages, shown

WORDS = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No …"


def node(name: str, cpu: str, taken: str | None = "0", *, takes_pods: bool = True) -> NodeRoom:
    used = None if taken is None else amounts_of({"cpu": taken})
    return NodeRoom(name, amounts_of({"cpu": cpu, "memory": "4Gi"}), used, takes_pods)


def test_no_node_has_so_much_free() -> None:
    nodes = [node("a", "2", "1900m"), node("b", "2", "1700m")]
    (found,) = shortages(WORDS, amounts_of({"cpu": "500m"}), nodes)
    assert (found.kind, found.resource) == ("each", "cpu")
    assert (found.asks, found.free, found.short) == ("500m", "300m", "200m")


def test_no_node_is_so_large_at_all() -> None:
    (found,) = shortages(WORDS, amounts_of({"cpu": "3"}), [node("a", "2"), node("b", "1")])
    assert (found.kind, found.free, found.short) == ("allocatable", "2", "1")


def test_a_cordoned_node_has_no_room_for_anybody() -> None:
    nodes = [node("a", "2", "1900m"), node("b", "8", takes_pods=False)]
    (found,) = shortages(WORDS, amounts_of({"cpu": "500m"}), nodes)
    assert found.free == "100m"


def test_without_a_look_at_other_pods_only_what_is_sure_is_said() -> None:
    assert shortages(WORDS, amounts_of({"cpu": "500m"}), [node("a", "2", None)]) == ()
    (found,) = shortages(WORDS, amounts_of({"cpu": "3"}), [node("a", "2", None)])
    assert found.kind == "allocatable"


@pytest.mark.parametrize("words", ["", "2 node(s) had untolerated taint {x: }.", "Too many pods"])
def test_what_is_no_matter_of_amounts_has_no_numbers(words: str) -> None:
    assert shortages(words, amounts_of({"cpu": "1"}), [node("a", "2")]) == ()


def test_a_quota_says_its_own_numbers() -> None:
    words = (
        "exceeded quota: compute, requested: requests.cpu=500m,pods=1, "
        "used: requests.cpu=1800m,pods=3, limited: requests.cpu=2,pods=3"
    )
    cpu, pods = shortages(words, {}, ())
    assert (cpu.resource, cpu.asks, cpu.free, cpu.limit, cpu.short, cpu.name) == (
        "requests.cpu",
        "500m",
        "200m",
        "2",
        "300m",
        "compute",
    )
    assert (pods.free, pods.short) == ("0", "1")


def test_a_pod_asks_for_its_containers_together_or_its_largest_init_container() -> None:
    def asks(cpu: str, kind: str = "requests"):
        return {"resources": {kind: {"cpu": cpu}}}

    spec = {"containers": [asks("100m"), asks("200m", "limits")], "initContainers": [asks("1")]}
    assert requests_of({"spec": spec})["cpu"] == Decimal(1)
    del spec["initContainers"]
    assert requests_of({"spec": spec})["cpu"] == Decimal("0.3")
    assert requests_of({}) == {}


def test_pods_that_have_ended_take_nothing() -> None:
    taken = Taken()
    pod = {"spec": {"nodeName": "a", "containers": [{"resources": {"requests": {"cpu": "1"}}}]}}
    taken.add(pod)
    taken.add({**pod, "status": {"phase": "Succeeded"}})
    taken.add({"spec": {"containers": []}})
    assert taken.by_node == {"a": {"pods": Decimal(1), "cpu": Decimal(1)}}


@pytest.mark.parametrize(
    ("resource", "amount", "words"),
    [
        ("cpu", "250m", "250m"),
        ("cpu", "1.5", "1500m"),
        ("cpu", "2", "2"),
        ("memory", "201326592", "192Mi"),
        ("memory", "1.5Gi", "1.5Gi"),
        ("requests.memory", "512Ki", "512Ki"),
        ("pods", "1", "1"),
    ],
)
def test_amounts_are_written_as_in_a_manifest(resource: str, amount: str, words: str) -> None:
    assert shown(resource, amounts_of({"x": amount})["x"]) == words
