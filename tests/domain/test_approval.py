"""Whose yes counts, for what, and until when; and what a second decision of a person comes to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.approval import (
    Approval,
    Candidate,
    Decision,
    Settled,
    fingerprint,
    judge_approvals,
    rejected_since,
    settle,
)
from bot.domain.gate import Gate, GateResult
from config.catalog import ApprovalPolicy

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DIGEST, OTHER, RUNS = ("sha256:" + letter * 64 for letter in "abc")
ANA, BEN, CARLA = "UANA", "UBEN", "UCARLA"
MEMBERS = {"managers": frozenset({ANA, BEN, CARLA})}
POLICY = ApprovalPolicy(count=1, roles=("managers",), valid_for=timedelta(hours=24))
CANDIDATE = Candidate(DIGEST, "covers", requester=ANA, runs=RUNS)


def yes(by: str, **changes: Any) -> Approval:
    approval = Approval(
        service="tasks-service",
        environment="prod",
        digest=DIGEST,
        covers="covers",
        by=by,
        role="managers",
        decision=Decision.APPROVE,
        at=NOW - timedelta(hours=1),
    )
    return replace(approval, **changes)


def no(by: str, **changes: Any) -> Approval:
    return yes(by, **{"decision": Decision.REJECT, "reason": "not yet", **changes})


def judged(*approvals: Approval, members: Any = None, **policy: Any) -> GateResult:
    return judge_approvals(approvals, replace(POLICY, **policy), CANDIDATE, members or MEMBERS, NOW)


def test_where_no_approval_is_needed_the_gate_is_open():
    found = judge_approvals((), None, CANDIDATE, {}, NOW)
    assert (found.gate, found.ok, found.code) == (Gate.APPROVALS, True, "NO_APPROVAL_NEEDED")


def test_one_yes_of_another_person_opens_it_and_says_until_when():
    found = judged(yes(BEN))
    assert (found.ok, found.code, found.values["given"]) == (True, "APPROVED", BEN)
    assert found.values["expires_at"] == (NOW + timedelta(hours=23)).isoformat()


def test_with_several_needed_it_holds_as_long_as_the_last_that_is_needed():
    early, late = NOW - timedelta(hours=20), NOW - timedelta(hours=2)
    found = judged(yes(BEN, at=early), yes(CARLA, at=late), count=2)
    assert found.values["expires_at"] == (early + timedelta(hours=24)).isoformat()


@pytest.mark.parametrize(
    ("approval", "why"),
    [
        (yes(BEN, digest=OTHER), "void"),
        (yes(BEN, covers="another manifest"), "void"),
        (yes(BEN, at=NOW - timedelta(hours=24)), "expired"),
        (yes(ANA), "own"),
    ],
    ids=["another digest", "another manifest", "its time is over", "the requester's own"],
)
def test_what_does_not_count_is_said_with_whose_it_is(approval, why):
    found = judged(approval)
    assert (found.ok, found.code, found.values["have"]) == (False, "APPROVALS_MISSING", 0)
    assert {name: found.values[name] for name in ("void", "expired", "own")} == {
        "void": "",
        "expired": "",
        "own": "",
        why: approval.by,
    }


def test_a_second_before_its_time_is_over_an_approval_still_counts():
    assert judged(yes(BEN, at=NOW - timedelta(hours=24) + timedelta(seconds=1))).ok


def test_what_was_approved_and_runs_by_now_is_no_news():
    assert judged(yes(BEN, digest=RUNS)).values["void"] == ""


def test_who_has_lost_the_role_counts_no_more():
    found = judged(yes("UFORMER"))
    assert (found.ok, found.values["void"]) == (False, "")


def test_two_yes_of_one_person_for_two_digests_are_one_for_this():
    assert judged(yes(BEN), yes(BEN, digest=OTHER), count=2).values["have"] == 1


def test_the_requester_counts_where_the_policy_says_so():
    assert judged(yes(ANA), requester_counts=True).code == "APPROVED"


def test_a_no_closes_it_whatever_others_say_and_the_latest_is_told():
    found = judged(yes(BEN), no(CARLA), no(BEN, at=NOW, reason="the migration"))
    assert (found.ok, found.code) == (False, "REJECTED")
    assert (found.values["given"], found.values["reason"]) == (BEN, "the migration")


def test_a_no_to_what_has_changed_since_counts_no_more():
    assert judged(no(CARLA, covers="another manifest"), yes(BEN)).ok


def test_a_no_of_somebody_without_the_role_is_none():
    assert judged(no("UFORMER"), yes(BEN)).ok


@pytest.mark.parametrize("count", [1, 3])
def test_a_team_of_one_approves_itself_only_in_small_team_mode_and_it_is_said(count):
    alone = {"managers": frozenset({ANA})}
    found = judged(yes(ANA), members=alone, small_team=True, count=count)
    assert (found.ok, found.code) == (True, "APPROVED_ALONE")
    closed = judged(yes(ANA), members=alone, count=count)
    assert (closed.ok, closed.code) == (False, "APPROVERS_TOO_FEW")


def test_small_team_mode_ends_when_a_second_person_has_the_role():
    two = {"managers": frozenset({ANA, BEN})}
    found = judged(yes(ANA), members=two, small_team=True)
    assert (found.ok, found.values["own"]) == (False, ANA)


def test_more_than_could_ever_say_yes_is_told_as_such():
    two = {"managers": frozenset({ANA, BEN})}
    found = judged(yes(BEN), members=two, count=2)
    assert (found.code, found.values["possible"]) == ("APPROVERS_TOO_FEW", 1)


def test_without_a_manifest_nothing_is_covered_and_nothing_counts():
    bare = replace(CANDIDATE, covers="")
    assert not judge_approvals([yes(BEN, covers="")], POLICY, bare, MEMBERS, NOW).ok


def test_several_roles_are_one_circle_of_people():
    members = {"managers": frozenset({BEN}), "leads": frozenset({CARLA})}
    found = judged(yes(BEN), yes(CARLA), members=members, roles=("managers", "leads"), count=2)
    assert found.ok


# --- what it covers ------------------------------------------------------------------------------

MANIFEST: dict[str, Any] = {"kind": "Deployment", "spec": {"replicas": 2, "paused": False}}


def test_the_fingerprint_changes_with_the_digest_and_with_the_manifest_alone():
    found = fingerprint(DIGEST, [MANIFEST])
    assert found == fingerprint(DIGEST, [{"spec": dict(MANIFEST["spec"]), "kind": "Deployment"}])
    assert found != fingerprint(OTHER, [MANIFEST])
    assert found != fingerprint(DIGEST, [{**MANIFEST, "spec": {"replicas": 2, "paused": True}}])
    assert found != fingerprint(DIGEST, [MANIFEST, {"kind": "ConfigMap"}])


def test_how_many_pods_run_is_not_covered():
    more = {**MANIFEST, "spec": {**MANIFEST["spec"], "replicas": 9}}
    assert fingerprint(DIGEST, [MANIFEST]) == fingerprint(DIGEST, [more])


# --- deciding again ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        (None, yes(BEN, at=NOW), Settled.NEW),
        (yes(BEN), yes(BEN, at=NOW), Settled.AGAIN),
        (yes(BEN, at=NOW - timedelta(hours=25)), yes(BEN, at=NOW), Settled.CHANGED),
        (yes(BEN, covers="before"), yes(BEN, at=NOW), Settled.CHANGED),
        (yes(BEN), no(BEN, at=NOW), Settled.CHANGED),
        (no(BEN), yes(BEN, at=NOW), Settled.CHANGED),
        (no(BEN), no(BEN, at=NOW), Settled.AGAIN),
        (no(BEN, at=NOW - timedelta(hours=3)), no(BEN, at=NOW), Settled.CHANGED),
    ],
    ids=[
        "the first",
        "a double click",
        "its time was over",
        "it covered something else",
        "yes, then no",
        "no, then yes",
        "no twice",
        "no to an earlier request",
    ],
)
def test_a_second_decision_stands_beside_the_first_as_what_it_is(held, wanted, expected):
    asked = NOW - timedelta(hours=2)
    assert settle(held, wanted, POLICY, asked) is expected


def test_only_a_no_after_it_was_asked_for_ends_a_request():
    refused = judged(no(BEN))
    assert rejected_since(refused, NOW - timedelta(hours=1))
    assert not rejected_since(refused, NOW)
    assert not rejected_since(judged(yes(BEN)), NOW - timedelta(days=1))
