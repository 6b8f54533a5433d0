"""`dynamo replay` over what a real Kubernetes 1.36 said: every recording within its bounds."""

import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.judge import judge_rollout
from bot.recording import BrokenRecordingError
from bot.replay import Line, main, replay

RECORDINGS = Path(__file__).parent / "recordings"


def recording(name: str) -> list[str]:
    return (RECORDINGS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


@cache
def told(name: str) -> list[Line]:
    return list(replay(recording(name)))


# --- the table of the recordings' README --------------------------------------------------------


@dataclass(frozen=True)
class Must:
    """This outcome and reason, first told in this time, with these words."""

    outcome: str
    reason: str
    after: float
    by: float
    naming: tuple[str, ...] = ()


BOUNDS = {
    "success": [Must("pass", "COMPLETE", 1.41, 2.0)],
    "first-deploy": [Must("pass", "COMPLETE", 1.50, 2.1)],
    "image-not-found": [
        Must("fail", "IMAGE_NOT_FOUND", 0, 2.0, ("localhost:5000/dynamo/tasks-service:9.9.9",))
    ],
    "invalid-image-name": [Must("fail", "INVALID_IMAGE_NAME", 0, 2.0)],
    "crash-loop": [
        Must("warn", "CRASHED", 0, 1.5),
        Must("fail", "CRASHED", 1.71, 14.0, ("exit code 1",)),
    ],
    "out-of-memory": [
        Must("pass", "COMPLETE", 1.41, 2.0),
        Must("warn", "OOM_KILLED", 2.0, 3.5),
        Must("fail", "OOM_KILLED", 3.5, 18, ("32Mi",)),
    ],
    "readiness-never": [Must("fail", "READINESS_PROBE", 3, 31.5, ("readiness probe",))],
    "missing-configmap": [Must("fail", "CONFIG_MISSING", 5, 13, ("tasks-service-config",))],
    "unschedulable": [
        Must("warn", "UNSCHEDULABLE", 0, 6, ("cpu",)),
        Must("fail", "UNSCHEDULABLE", 6, 31.5, ("cpu",)),
    ],
    "slow-start": [Must("pass", "COMPLETE", 55.8, 57)],
    "scale-up": [Must("pass", "COMPLETE", 0.01, 10)],
    "scale-down": [Must("pass", "COMPLETE", 0.01, 10)],
    "unchanged": [Must("pass", "UNCHANGED", 0, 0, ("Nothing to do",))],
    "paused": [Must("wait", "PAUSED", 0, 1, ("paused",))],
}


@pytest.mark.parametrize("name", BOUNDS)
def test_the_recording_is_judged_in_time(name: str) -> None:
    lines = told(name)
    for must in BOUNDS[name]:
        match = [x for x in lines if (x.outcome, x.reason) == (must.outcome, must.reason)]
        assert match, must
        assert must.after <= match[0].at <= must.by, must
        assert all(word in match[0].message for word in must.naming), match[0]


ENDS = {name: bounds[-1] for name, bounds in BOUNDS.items()}


@pytest.mark.parametrize("name", ENDS)
def test_the_recording_ends_as_it_must(name: str) -> None:
    last = told(name)[-1]
    assert (last.outcome, last.reason) == (ENDS[name].outcome, ENDS[name].reason)


@pytest.mark.parametrize("name", ["success", "first-deploy", "scale-up", "scale-down"])
def test_a_rollout_that_goes_well_is_never_troubled(name: str) -> None:
    """Old pods end with exit 137 in two of them."""
    assert {x.outcome for x in told(name)} == {"wait", "pass"}


def test_each_slow_pod_that_becomes_ready_is_progress() -> None:
    assert "fail" not in {x.outcome for x in told("slow-start")}


def test_an_unchanged_write_claims_no_deploy() -> None:
    assert {x.reason for x in told("unchanged")} == {"UNCHANGED"}


def test_a_paused_deployment_never_passes() -> None:
    assert {x.outcome for x in told("paused")} == {"wait"}


def test_a_scaling_is_not_done_before_the_cluster_has_seen_it() -> None:
    """All three replicas were available before the change: that is not its result."""
    lines = told("scale-up")
    assert [x.reason for x in lines][:2] == ["UNOBSERVED", "UPDATING"]
    assert "5 of 5" in lines[-1].message


# --- deliveries that a watch does not promise ---------------------------------------------------


def parts(lines: list[str]) -> tuple[str, list[dict[str, Any]]]:
    return lines[0], [json.loads(line) for line in lines[1:]]


def whole(header: str, events: list[dict[str, Any]]) -> list[str]:
    return [header, *(json.dumps(event) for event in events)]


def ends(lines: list[str]) -> tuple[str, str]:
    last = list(replay(lines))[-1]
    return last.outcome, last.reason


def instants(events: list[dict[str, Any]], length: float) -> Iterator[list[dict[str, Any]]]:
    by_instant = itertools.groupby(events, key=lambda event: round(event["at"] / length))
    yield from (list(group) for _, group in by_instant)


@pytest.mark.parametrize("name", BOUNDS)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers())
def test_events_of_one_instant_may_come_in_any_order(name: str, seed: int) -> None:
    header, events = parts(recording(name))
    shuffled = []
    for group in instants(events, 0.02):
        times = sorted(event["at"] for event in group)
        random.Random(seed).shuffle(group)
        shuffled += [{**event, "at": at} for event, at in zip(group, times, strict=True)]
    assert ends(whole(header, shuffled)) == (told(name)[-1].outcome, told(name)[-1].reason)


@pytest.mark.parametrize("name", BOUNDS)
def test_told_twice_is_told_once(name: str) -> None:
    header, events = parts(recording(name))
    twice = [event for event in events for _ in range(2)]
    assert list(replay(whole(header, twice))) == told(name)


@pytest.mark.parametrize("name", BOUNDS)
def test_an_old_state_that_comes_late_changes_nothing(name: str) -> None:
    """Every object's first state is delivered once more, three seconds after the change."""
    header, events = parts(recording(name))
    late = json.loads(header)["changed_at"] + 3
    first: dict[str, dict[str, Any]] = {}
    for event in events:
        first.setdefault(event["object"]["metadata"]["uid"], event)
    stale = [{**event, "at": late} for event in first.values() if event["at"] < late]
    assert list(replay(whole(header, events + stale))) == told(name)


def test_lines_in_the_wrong_order_are_put_where_their_time_is() -> None:
    header, events = parts(recording("crash-loop"))
    turned = whole(header, sorted(events, key=lambda event: -event["at"]))
    assert list(replay(turned))[-1] == told("crash-loop")[-1]


def test_a_pod_that_is_gone_does_not_come_back_by_a_late_event() -> None:
    header, events = parts(recording("scale-down"))
    gone = next(e for e in events if e["type"] == "DELETED")
    uid = gone["object"]["metadata"]["uid"]
    before = next(e for e in events if e["object"]["metadata"]["uid"] == uid)
    late = [{**before, "at": events[-1]["at"] + 1}]
    assert list(replay(whole(header, events + late))) == told("scale-down")


# --- recordings of our own ----------------------------------------------------------------------


def made(header: dict[str, Any], *deliveries: tuple[float, str, str, dict[str, Any]]) -> list[str]:
    events = [{"at": at, "kind": k, "type": t, "object": raw} for at, k, t, raw in deliveries]
    return whole(json.dumps(header), events)


def deployment(generation: int, image: str = "r/tasks:1", **status: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "tasks",
            "uid": "d",
            "generation": generation,
            "resourceVersion": str(generation * 10 + len(status)),
        },
        "spec": {
            "replicas": 1,
            "template": {"spec": {"containers": [{"name": "tasks", "image": image}]}},
        },
        "status": {"observedGeneration": generation, **status},
    }


DONE: dict[str, Any] = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
HEADER = {"changed_at": 1, "generation": 2}


def test_somebody_elses_change_supersedes_and_ends_it() -> None:
    lines = made(
        HEADER,
        (0.5, "Deployment", "ADDED", deployment(1, **DONE)),
        (1.1, "Deployment", "MODIFIED", deployment(2, "r/tasks:2")),
        (2.0, "Deployment", "MODIFIED", deployment(3, "r/tasks:3")),
        (3.0, "Deployment", "MODIFIED", deployment(4, "r/tasks:2", **DONE)),
    )
    last = list(replay(lines))[-1]
    assert (last.at, last.outcome, last.reason) == (1.0, "superseded", "SUPERSEDED")


def test_a_deployment_that_is_deleted_meanwhile_fails() -> None:
    lines = made(
        HEADER,
        (0.5, "Deployment", "ADDED", deployment(1, **DONE)),
        (1.1, "Deployment", "MODIFIED", deployment(2)),
        (2.0, "Deployment", "DELETED", deployment(2, replicas=1)),
    )
    assert ends(lines) == ("fail", "DELETED")


def test_the_clock_ticks_where_nothing_happens() -> None:
    """A Deployment that never shows up is told missing by the time alone."""
    pod = {"metadata": {"name": "p", "uid": "p"}}
    lines = made(HEADER, (0.1, "Pod", "ADDED", pod), (61, "Pod", "MODIFIED", pod))
    last = list(replay(lines))[-1]
    assert (last.at, last.reason) == (30, "DELETED")


def test_another_deployment_in_the_same_namespace_is_not_ours() -> None:
    other = deployment(7, **DONE)
    other["metadata"] |= {"name": "auth", "uid": "other"}
    lines = made(
        HEADER,
        (0.4, "Deployment", "ADDED", other),
        (0.5, "Deployment", "ADDED", deployment(1, **DONE)),
        (1.1, "Deployment", "MODIFIED", deployment(2)),
        (2.0, "Deployment", "MODIFIED", other),
    )
    assert ends(lines) == ("wait", "UPDATING")


def test_recorded_seconds_and_the_objects_own_times_are_one_clock(monkeypatch: Any) -> None:
    """Times are cut to seconds, so the change cannot be placed better than the newest tells."""
    seen = []

    def spy(workload: Any, change: Any, memory: Any, now: Any) -> Any:
        seen.append((change.at, now))
        return judge(workload, change, memory, now)

    from bot import replay as module

    judge = judge_rollout
    monkeypatch.setattr(module, "judge_rollout", spy)
    list(replay(recording("crash-loop")))
    assert {at.isoformat()[:19] for at, _ in seen} == {"2026-11-24T01:59:26"}
    steps = [(b - a).total_seconds() for (_, a), (_, b) in itertools.pairwise(seen)]
    assert max(steps) <= 0.5
    assert min(steps) >= 0


# --- broken files -------------------------------------------------------------------------------

GOOD = '{"at": 1, "kind": "Pod", "type": "ADDED", "object": {}}'
HEAD = '{"changed_at": 1, "generation": 2}'
BROKEN = {
    "empty": ([], 1, "empty"),
    "no JSON": ([HEAD, GOOD, "{oops"], 3, "no JSON"),
    "no object": ([HEAD, "[1]"], 2, "no JSON object"),
    "no header": ([GOOD, HEAD], 1, "changed_at"),
    "a generation that is no number": (['{"changed_at": 1, "generation": "2"}'], 1, "generation"),
    "no time": ([HEAD, '{"kind": "Pod", "type": "ADDED", "object": {}}'], 2, "at must be"),
    "a time that is no number": ([HEAD, GOOD.replace("1", "NaN", 1)], 2, "at must be"),
    "a time that is true": ([HEAD, GOOD.replace("1", "true", 1)], 2, "at must be"),
    "no kind": ([HEAD, GOOD.replace('"Pod"', "7")], 2, "kind"),
    "an event without its object": ([HEAD, GOOD.replace("{}", "null")], 2, "object"),
    "brackets without end": ([HEAD, "[" * 100_000], 2, "no JSON"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_recording_names_its_line(broken: str) -> None:
    lines, number, words = BROKEN[broken]
    with pytest.raises(BrokenRecordingError, match=words) as caught:
        list(replay(lines))
    assert caught.value.line == number
    assert str(caught.value).startswith(f"line {number}: ")


def test_a_file_that_cannot_be_read_exits_with_2(tmp_path: Path, capsys: Any) -> None:
    broken, binary = tmp_path / "broken.jsonl", tmp_path / "binary.jsonl"
    broken.write_text(f"{HEAD}\n{{oops\n")
    binary.write_bytes(HEAD.encode() + b"\n\xff\xfe\n")
    assert [main(p) for p in (broken, binary, tmp_path, tmp_path / "missing")] == [2, 2, 2, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(".jsonl: ")[2][:8] for line in err.splitlines()[:2]] == [
        "line 2: ",
        "line 2: ",
    ]
    assert all(line.startswith("dynamo replay: ") for line in err.splitlines())


def test_odd_objects_in_a_recording_are_passed_over() -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"metadata": 7},
        {"metadata": {"uid": [], "resourceVersion": "²"}},
    ]
    kinds = itertools.product(("Deployment", "ReplicaSet", "Pod", "Event", "Lease"), odd)
    events = [(2.0, kind, "MODIFIED", raw) for kind, raw in kinds]
    assert ends(made(HEADER, *events)) == ("wait", "UNOBSERVED")


@given(st.lists(st.text(max_size=30) | st.just(HEAD) | st.just(GOOD), max_size=6))
def test_whatever_the_lines_hold_the_answer_is_verdicts_or_a_line_number(lines: list[str]) -> None:
    broken = 0
    try:
        verdicts = list(replay(lines))
    except BrokenRecordingError as error:
        verdicts, broken = [], error.line
    assert all(isinstance(verdict, Line) for verdict in verdicts)
    assert 0 <= broken <= len(lines) + 1
    assert verdicts or broken


# --- the command --------------------------------------------------------------------------------


def test_each_line_is_one_json_object(capsys: Any) -> None:
    assert main(str(RECORDINGS / "crash-loop.jsonl")) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(list(line) == ["at", "outcome", "reason", "message"] for line in lines)
    assert lines[-1]["reason"] == "CRASHED"


def test_the_command_line_prints_the_same(root: Callable[[], Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "replay", str(RECORDINGS / "unchanged.jsonl")],
        capture_output=True,
        text=True,
        check=True,
        cwd=root(),
        env={"PATH": os.environ["PATH"]},
        timeout=60,
    )
    assert json.loads(done.stdout)["reason"] == "UNCHANGED"


@pytest.fixture
def root() -> Callable[[], Path]:
    return lambda: Path(__file__).parents[1]
