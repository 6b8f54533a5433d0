"""Rollouts, gates and matrices to make cards of, and every card that Dynamo shows, by name.

A test that asks for `case` runs once for each of `CASES`; one that asks for `language` once for
each language.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bot.cards.buttons import ask
from bot.cards.card import Card
from bot.cards.checklist import checklist_card, moved_card, refused_card
from bot.cards.choice import choice_card
from bot.cards.details import details_card, ended_card
from bot.cards.help import help_card, verb_help_card
from bot.cards.history import history_card
from bot.cards.lock import answer_card, held_card, lifted_card, lock_card, locks_card
from bot.cards.pointer import notice_card, pointer_card
from bot.cards.promotion import announcement_card, opened_card, override_card
from bot.cards.refusal import dry_run_card, refusal_card
from bot.cards.rollout import rollout_card
from bot.cards.stats import stats_card
from bot.cards.status import status_card, workload_card
from bot.cards.trouble import trouble_card
from bot.cards.usage import usage_card
from bot.cards.whoami import whoami_card
from bot.domain.audit import ENGINE, AuditEntry, By, Head, chained
from bot.domain.checklist import Before, Checklist, No, Refusal, Tick, judge_checklist
from bot.domain.delivery import Delivery, Measure
from bot.domain.drift import Difference, Drift
from bot.domain.gate import Gate, GateResult
from bot.domain.image import Image
from bot.domain.judgement import Change
from bot.domain.lock import Kept, Lifted, Lock, LockAnswer, judge_locks
from bot.domain.permission import RoleHeld, Standing, StandingThere
from bot.domain.promotion import Commit, Commits, Override
from bot.domain.rollout import (
    Actor,
    CardRef,
    Diagnosis,
    Obstacle,
    Progress,
    Rollout,
    RolloutState,
    Running,
)
from bot.domain.rollout_records import refusal_entry, step_entry
from bot.domain.status import (
    Cell,
    Health,
    PodState,
    PodStatus,
    ServiceStatus,
    StatusMatrix,
    WorkloadStatus,
)
from bot.domain.verdict import Finding, Outcome, Reason, Verdict
from bot.domain.workload import Autoscaler
from bot.errors import PortError, Trouble
from bot.text import LANGUAGES, Texts
from commands.command import Option
from config.catalog import ChecklistItem, Localized
from tests.cards.home_cards import cases as home_cases
from tests.cards.log_cards import LOG_CARDS
from tests.cards.operations_cases import cases as operations_cases
from tests.cards.policy_cards import POLICY_CARDS
from tests.cards.summaries import SUMMARIES

NOW = datetime(2026, 11, 24, 12, 3, 20, tzinfo=UTC)
DIGEST = "sha256:ab12" + "0" * 56 + "9f04"
OLD_DIGEST = "sha256:77aa" + "0" * 56 + "01cd"


@dataclass(frozen=True)
class Typo:
    code: str
    values: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declared:
    name: str
    usage: str
    examples: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()


DEPLOY = Declared(
    "deploy",
    "deploy SERVICE ENVIRONMENT [VERSION] [--dry-run] [--reason TEXT]",
    ("deploy tasks-service qa", 'deploy tasks-service qa 1.4.0 --reason "fixes #231"'),
    ("ship", "desplegar"),
    (Option("dry-run", ("simular",)), Option("reason", ("motivo", "razón"))),
)
STATUS = Declared("status", "status [SERVICE] [ENVIRONMENT]", ("status", "status qa"), ("estado",))


def a_rollout(**changes: Any) -> Rollout:
    """Under way: 1.3.2 → 1.4.0, two of three pods updated."""
    rollout = Rollout(
        id="k7m2p9xa",
        service="tasks-service",
        environment="qa",
        namespace="dynamo-qa",
        context="",
        image=Image("registry.yourapp.com/dynamo/tasks-service", "1.4.0", DIGEST),
        version="1.4.0",
        requested_by=Actor("U0REQUEST"),
        requested_at=NOW - timedelta(seconds=20),
        line="deploy tasks-service qa 1.4.0",
        card=CardRef("C0QADEPLOY", "1764000000.000100"),
        reason="fixes #231",
        state=RolloutState.PROGRESSING,
        before=Running("1.3.2", OLD_DIGEST, ready=3, desired=3),
        before_generation=4,
        change=Change(NOW - timedelta(seconds=18), generation=5),
        applying_since=NOW - timedelta(seconds=18),
        progress=Progress(desired=3, updated=2, available=2, old=1),
        verdict=Verdict(Outcome.WAIT, Reason.UPDATING, {"updated": 2, "desired": 3}),
    )
    return rollout.with_(**changes)


ASKED_GATES = (
    GateResult(Gate.ORDER, True, "RAN_BEFORE", {"environment": "qa", "version": "1.4.0"}),
    GateResult(Gate.WINDOW, False, "WINDOW_CLOSED", {"opens_at": "2026-11-24T14:00:00+00:00"}),
)
_TALLY: dict[str, str | int] = {"need": 1, "roles": "release-managers", "who": "S0RELEASERS U0LEAD"}
VOID = GateResult(
    Gate.APPROVALS,
    False,
    "APPROVALS_MISSING",
    {**_TALLY, "have": 0, "void": "U0LEAD", "expired": "", "own": "U0REQUEST", "given": ""},
)
APPROVED = GateResult(
    Gate.APPROVALS,
    True,
    "APPROVED",
    {**_TALLY, "have": 1, "given": "U0LEAD", "expires_at": "2026-11-25T12:00:00+00:00"},
)
OVERTAKEN = GateResult(
    Gate.ORDER,
    False,
    "OVERTAKEN",
    {"version": "1.4.0", "newer": "1.5.0 <!here>", "at": NOW.isoformat()},
)
PLACE_GONE = GateResult(Gate.MANIFEST, False, "SERVICE_GONE", {"name": "tasks-service"})
SAID_NO = GateResult(
    Gate.APPROVALS,
    False,
    "REJECTED",
    {"given": "U0LEAD", "reason": "the migration <!channel> is missing", "at": NOW.isoformat()},
)
OVERRIDE = Override("U0LEAD", "users cannot log in <!here>", NOW, (VOID,), "S0RELEASERS")
COMMITS = Commits(
    shown=tuple(
        Commit("c0ffee" + f"{n:034x}", f"Change <!channel> number {n}", f"Author *{n}*")
        for n in range(10)
    ),
    of=12,
    url="https://github.com/yourorg/tasks-service/compare/a...b",
)
DRIFT = Drift(
    (
        Difference("containers[tasks-service].resources.limits.memory", "384Mi", "512Mi"),
        Difference("labels[tier]", "", "back `end` <!here>"),
    ),
    2,
)


def _waiting(**changes: Any) -> Rollout:
    asked: dict[str, Any] = {"covers": "f00d", "commits": COMMITS, "drift": DRIFT}
    waits = RolloutState.AWAITING_APPROVAL
    return _untouched(state=waits, line="promote tasks-service qa", **{**asked, **changes})


def _untouched(**changes: Any) -> Rollout:
    nothing: dict[str, Any] = {
        "change": None,
        "applying_since": None,
        "before_generation": None,
        "verdict": None,
        "progress": Progress(),
    }
    return a_rollout(**{**nothing, **changes})


CRASHED = Finding(
    Reason.CRASHED,
    Outcome.FAIL,
    pods=("tasks-service-7d9f8-abcde", "tasks-service-7d9f8-fghij"),
    of=3,
    container="tasks-service",
    exit_code=1,
    restarts=2,
)
NOT_READY = Finding(
    Reason.READINESS_PROBE,
    Outcome.WARN,
    pods=("tasks-service-7d9f8-klmno",),
    of=3,
    container="tasks-service",
    message="Readiness probe failed: HTTP probe failed with statuscode: 503",
    values={"probe": "GET :8080/healthz", "status": "503"},
)
FAILED = a_rollout(
    state=RolloutState.FAILED,
    finished_at=NOW - timedelta(seconds=9),
    version="1.5.0",
    image=Image("registry.yourapp.com/dynamo/tasks-service", "1.5.0", DIGEST),
    line="deploy tasks-service qa 1.5.0",
    progress=Progress(desired=3, updated=1, available=3, old=3),
    verdict=Verdict(Outcome.FAIL, Reason.CRASHED, findings=(CRASHED, NOT_READY)),
    diagnosis=Diagnosis(
        pod="tasks-service-7d9f8-abcde",
        container="tasks-service",
        previous=True,
        log=("reading settings", "Error: DATABASE_URL is not set", "    at start (index.js:12:9)"),
        events=("BackOff: Back-off restarting failed container tasks-service ×3",),
    ),
)
REFUSED_MANIFEST = Obstacle(
    "cluster",
    Trouble.INVALID,
    NOW - timedelta(seconds=9),
    {
        "message": 'Deployment.apps "tasks-service" is invalid: '
        "spec.template.spec.containers[0].image: Required value"
    },
)
GATES = (
    GateResult(Gate.PERMISSION, True, "ALLOWED"),
    GateResult(Gate.MANIFEST, True, "MANIFEST_FOUND"),
    GateResult(Gate.ORDER, False, "NOT_RUN_BEFORE", {"environment": "qa", "version": "1.4.0"}),
    GateResult(Gate.PAUSED, False, "PAUSED"),
    GateResult(
        Gate.CLUSTER,
        False,
        "REFUSED",
        {"message": "admission webhook denied the request: label team is missing"},
    ),
)
OPEN_GATES = (
    GateResult(Gate.PERMISSION, True, "ALLOWED"),
    GateResult(Gate.MANIFEST, True, "MANIFEST_FOUND"),
    GateResult(Gate.ORDER, True, "RAN_BEFORE", {"environment": "dev", "version": "1.4.0"}),
    GateResult(Gate.PAUSED, True, "NOT_PAUSED"),
    GateResult(Gate.CLUSTER, True, "ACCEPTED"),
)
NOT_ALLOWED = (
    GateResult(
        Gate.PERMISSION,
        False,
        "NOT_ALLOWED",
        {"roles": "release-managers", "who": "<!subteam^S0RELEASE> <@U0LEAD>"},
    ),
    *OPEN_GATES[1:],
)

ROLLOUTS: dict[str, Rollout] = {
    "queued": _untouched(state=RolloutState.QUEUED, before=None),
    "queued-behind": _untouched(state=RolloutState.QUEUED, behind="1.3.9", before=None),
    "applying": a_rollout(
        state=RolloutState.APPLYING, change=None, verdict=None, progress=Progress()
    ),
    "progressing": a_rollout(),
    "first-here": a_rollout(before=None, before_generation=0, reason=""),
    "warned": a_rollout(
        verdict=Verdict(
            Outcome.WARN,
            Reason.CRASHED,
            findings=(
                Finding(
                    Reason.CRASHED,
                    Outcome.WARN,
                    pods=("tasks-service-7d9f8-abcde",),
                    of=3,
                    container="tasks-service",
                    exit_code=1,
                    restarts=1,
                ),
            ),
        )
    ),
    "obstacle": a_rollout(obstacle=Obstacle("cluster", Trouble.AWAY, NOW - timedelta(seconds=50))),
    "soaking": a_rollout(
        state=RolloutState.SOAKING,
        completed_at=NOW,
        quiet_since=NOW,
        progress=Progress(3, 3, 3, 0),
        verdict=Verdict(Outcome.PASS, Reason.COMPLETE),
    ),
    "succeeded": a_rollout(
        state=RolloutState.SUCCEEDED,
        completed_at=NOW,
        quiet_since=NOW,
        finished_at=NOW + timedelta(seconds=30),
        progress=Progress(3, 3, 3, 0),
        verdict=Verdict(Outcome.PASS, Reason.COMPLETE),
    ),
    "unchanged": a_rollout(
        state=RolloutState.SUCCEEDED,
        finished_at=NOW,
        before=Running("1.4.0", DIGEST, 3, 3),
        progress=Progress(3, 3, 3, 0),
        verdict=Verdict(Outcome.PASS, Reason.UNCHANGED),
    ),
    "scaled-to-zero": a_rollout(
        state=RolloutState.SUCCEEDED,
        finished_at=NOW,
        progress=Progress(),
        verdict=Verdict(Outcome.PASS, Reason.SCALED_TO_ZERO),
    ),
    "failed": FAILED,
    "failed-new-only": FAILED.with_(
        completed_at=NOW, progress=Progress(3, 3, 1, 0), diagnosis=Diagnosis()
    ),
    "failed-nothing-available": FAILED.with_(
        progress=Progress(3, 3, 0, 0),
        diagnosis=Diagnosis(pod="tasks-service-7d9f8-abcde", unavailable="container not found"),
    ),
    "failed-refused-by-cluster": _untouched(
        state=RolloutState.FAILED,
        finished_at=NOW,
        applying_since=NOW - timedelta(seconds=9),
        obstacle=REFUSED_MANIFEST,
    ),
    "superseded": a_rollout(
        state=RolloutState.SUPERSEDED,
        finished_at=NOW,
        verdict=Verdict(
            Outcome.SUPERSEDED,
            Reason.SUPERSEDED,
            {"image": "registry.yourapp.com/dynamo/tasks-service:1.4.1"},
        ),
    ),
    "cancelled": _untouched(state=RolloutState.CANCELLED, ended_by="U0LEAD", finished_at=NOW),
    "going-back": a_rollout(
        state=RolloutState.ROLLING_BACK,
        ended_by="U0LEAD",
        verdict=None,
        progress=Progress(3, 1, 3, 2),
    ),
    "rolled-back": a_rollout(
        state=RolloutState.ROLLED_BACK,
        ended_by="U0LEAD",
        finished_at=NOW,
        verdict=Verdict(Outcome.PASS, Reason.COMPLETE),
        progress=Progress(3, 3, 3, 0),
    ),
    "failed-going-back": FAILED.with_(ended_by="U0LEAD", progress=Progress(3, 2, 1, 2)),
    "rejected": _untouched(state=RolloutState.REJECTED, finished_at=NOW, refused=GATES),
    "rejected-not-invited": _untouched(
        state=RolloutState.REJECTED,
        finished_at=NOW,
        obstacle=Obstacle("slack", Trouble.NOT_INVITED, NOW),
    ),
    "building": _untouched(state=RolloutState.BUILDING),
    "awaiting-approval": _untouched(state=RolloutState.AWAITING_APPROVAL),
    "waiting": _waiting(gates=(*ASKED_GATES, VOID)),
    "waiting-unknown": _waiting(
        gates=(*ASKED_GATES, VOID), commits=Commits(unknown="NO_COMMIT"), drift=Drift()
    ),
    "waiting-open": _waiting(gates=(*ASKED_GATES[:1], APPROVED), open_since=NOW, openings=1),
    "waiting-by-itself": _waiting(gates=(*ASKED_GATES, VOID), by_itself=True),
    "queued-in-line": _untouched(
        state=RolloutState.QUEUED, behind="1.3.9", behind_whom="U0LEAD", place=2
    ),
    "override": a_rollout(override=OVERRIDE),
    "rejected-by-a-person": _untouched(
        state=RolloutState.REJECTED, finished_at=NOW, refused=(*ASKED_GATES[:1], SAID_NO)
    ),
    "overtaken": _untouched(
        state=RolloutState.SUPERSEDED, finished_at=NOW, refused=(*ASKED_GATES[:1], OVERTAKEN)
    ),
    "its-place-is-gone": _untouched(
        state=RolloutState.REJECTED, finished_at=NOW, refused=(PLACE_GONE,)
    ),
    "cancelled-with-a-reason": _untouched(
        state=RolloutState.CANCELLED, finished_at=NOW, ended_by="U0LEAD", end_reason="wrong <!here>"
    ),
}


def _matrix() -> StatusMatrix:
    def cell(environment: str, health: Health, version: str = "", **more: Any) -> Cell:
        return Cell(environment, health, version, since=NOW - timedelta(days=3), **more)

    two: dict[str, Any] = {"ready": 2, "desired": 2}
    return StatusMatrix(
        ("dev", "QA", "Production"),
        (
            ServiceStatus(
                "api-gateway",
                (
                    cell("dev", Health.READY, "2.8.0", ready=1, desired=1),
                    cell("qa", Health.READY, "2.7.4", **two),
                    cell(
                        "prod",
                        Health.READY,
                        "2.7.4",
                        ready=6,
                        desired=6,
                        autoscaler=Autoscaler("api-gateway", 3, 12, 6, 6),
                    ),
                ),
            ),
            ServiceStatus(
                "tasks-service",
                (
                    cell("dev", Health.DOWN, "1.5.0", ready=0, desired=1),
                    cell(
                        "qa",
                        Health.ROLLING,
                        "1.3.2",
                        ready=2,
                        desired=3,
                        towards="1.4.0",
                        state=RolloutState.PROGRESSING,
                    ),
                    cell("prod", Health.PARTIAL, "1.3.2", ready=3, desired=4),
                ),
            ),
            ServiceStatus(
                "forms-service",
                (
                    cell("dev", Health.ZERO, "0.9.1"),
                    Cell("qa", Health.ABSENT),
                    Cell("prod", Health.UNKNOWN),
                ),
            ),
        ),
        NOW,
    )


def _workload() -> WorkloadStatus:
    return WorkloadStatus(
        "tasks-service",
        "dynamo-qa",
        Cell(
            "qa",
            Health.ROLLING,
            "1.3.2",
            2,
            3,
            NOW - timedelta(hours=5),
            towards="1.4.0",
            state=RolloutState.PROGRESSING,
            autoscaler=Autoscaler("tasks-service", 3, 12, 3, 3),
        ),
        digest=DIGEST,
        pods=(
            PodStatus(
                "tasks-service-7d9f8-abcde",
                PodState.FAILING,
                "CrashLoopBackOff",
                2,
                NOW - timedelta(seconds=40),
                "1.4.0",
            ),
            PodStatus(
                "tasks-service-7d9f8-fghij",
                PodState.READY,
                "",
                0,
                NOW - timedelta(hours=5),
                "1.3.2",
            ),
        ),
        warnings=("BackOff: Back-off restarting failed container ×4",),
    )


def _rollout_case(rollout: Rollout) -> Callable[[Texts], Card]:
    return lambda texts: rollout_card(
        rollout,
        environment_title="QA",
        base_url="https://qa.yourapp.com",
        texts=texts,
        now=NOW,
    )


def _ended_case(rollout: Rollout) -> Callable[[Texts], Card]:
    return lambda texts: ended_card(rollout, environment_title="QA", texts=texts)


_NAMED: dict[str, Any] = {
    "service": "tasks-service",
    "environment_title": "Production",
    "version": "1.4.0",
    "line": "deploy tasks-service prod 1.4.0",
}
_DRY: dict[str, Any] = {
    **_NAMED,
    "line": "deploy tasks-service prod 1.4.0 --dry-run",
    "deploy_line": "deploy tasks-service prod 1.4.0",
}
_FORBIDDEN = PortError(
    "cluster",
    Trouble.FORBIDDEN,
    temporary=False,
    values={
        "verb": "patch",
        "resource": "deployments.apps",
        "namespace": "dynamo-qa",
        "message": 'deployments.apps "tasks-service" is forbidden: User "dynamo" cannot patch',
    },
)

_LOCK = Lock("qa", "U0ANA00000", NOW - timedelta(minutes=12), reason="load test until 15:00")
_TAKEN = Lock("qa", "U0BEN00000", NOW, service="tasks-service", until=NOW + timedelta(hours=2))
_BY_DYNAMO = Lock("qa", "dynamo", NOW - timedelta(hours=3), "tasks-service", "1.5.0 went back")
LOCKED_GATES = (
    judge_locks([_LOCK], "tasks-service", "qa", "U0BEN00000", NOW),
    GateResult(Gate.PERMISSION, True, "ALLOWED"),
    GateResult(Gate.WINDOW, True, "ALWAYS_OPEN"),
)
CLOSED_GATES = (
    judge_locks([_BY_DYNAMO], "tasks-service", "qa", "U0BEN00000", NOW),
    GateResult(
        Gate.WINDOW, False, "WINDOW_CLOSED", {"opens_at": (NOW + timedelta(hours=9)).isoformat()}
    ),
    GateResult(Gate.WINDOW, False, "FROZEN", {"reason": "end of the year", "opens_at": ""}),
)


def _history(texts: Texts) -> Card:
    """One line of each kind; the last is of an action that has no sentence."""
    entries = [
        AuditEntry(
            NOW, "U0ANA00000", "slash", "lock", "*/qa", after={**_LOCK.recorded, "reason": "test"}
        ),
        step_entry(
            a_rollout(state=RolloutState.SUCCEEDED, finished_at=NOW), "SOAKING", ENGINE, NOW
        ),
        step_entry(a_rollout(reason="fixes #231"), "", By("U0BEN00000"), NOW),
        refusal_entry("deploy", "tasks-service/qa", LOCKED_GATES, By("U0BEN00000"), NOW),
        AuditEntry(NOW, "dynamo", "engine", "something-new", "tasks-service/*"),
    ]
    records = [chained(entry, Head()) for entry in entries]
    return history_card(
        records,
        title="QA",
        older="|qa|older|1",
        newer="|qa|newer|5",
        environment_title=lambda name: name.upper(),
        texts=texts,
    )


def _locked_matrix() -> StatusMatrix:
    found = _matrix()
    first = found.services[0]
    cells = (replace(first.cells[0], lock=_LOCK), *first.cells[1:])
    return replace(found, services=(replace(first, cells=cells), *found.services[1:]))


_STANDING = Standing(
    (
        RoleHeld("qa", Localized("Quality *assurance*", "Calidad"), True, ()),
        RoleHeld("docs", Localized("Documentation", "Documentación"), True, ("S0DOCSTEAM",)),
    ),
    (
        StandingThere(Localized("Development", "Desarrollo"), True, True, None, None, "S0QA"),
        StandingThere(Localized("Production", "Producción"), False, True, True, False, "U0LEAD"),
        StandingThere(Localized("Nowhere", "Ninguna parte"), False, False, None, None, ""),
    ),
)

_ITEMS = (
    ChecklistItem(
        "tests", Localized("Unit and integration tests pass", "Las pruebas pasan"), automatic="ci"
    ),
    ChecklistItem("manual-qa", Localized("Manual QA approved", "Pruebas manuales"), role="qa"),
    ChecklistItem(
        "security-review", Localized("Security review", "Revisión de seguridad"), role="security"
    ),
)
_WHO = {"qa": "S0QATESTER", "security": "S0SECURITY U0DAN00000"}
_LIST = Checklist(
    "tasks-service",
    "sha256:ab12" + "0" * 56 + "9f04",
    "1.4.0",
    NOW,
    ticks={"tests": Tick("", NOW, "unit, build https://ci.example/runs/812", automatic=True)},
    revision=3,
)
_TICKED = {
    **_LIST.ticks,
    "manual-qa": Tick("U0CARLA000", NOW, "exploratory session, 2 h"),
    "security-review": Tick("U0DAN00000", NOW, "https://wiki.example/review/7"),
}


_BEFORE = Before("1.3.2", "sha256:ab12" + "1" * 56 + "9f04", 2, 3)


def _checklist(texts: Texts, **changes: Any) -> Card:
    shown = _LIST.with_(**changes)
    return checklist_card(shown, _ITEMS, _WHO, environment_title="Production", texts=texts)


def _no(why: No, texts: Texts, **changes: Any) -> Card:
    refusal = Refusal(why, _ITEMS[2], _TICKED["security-review"], _LIST.with_(**changes))
    return refused_card(refusal, "tasks-service", _WHO, environment_title="Production", texts=texts)


_CI_VALUES: dict[str, Any] = {
    "commit": "7120e99",
    "repository": "yourorg/tasks-service",
    "done": 2,
    "of": 3,
    "checks": json.dumps([["unit", "https://ci.example/runs/812"], ["smoke", ""]]),
}
CI_PENDING = GateResult(Gate.CI, False, "CI_PENDING", _CI_VALUES)
_DEMANDING = (
    GateResult(Gate.CI, False, "CI_RED", _CI_VALUES),
    judge_checklist(_LIST, _ITEMS, _WHO),
    GateResult(Gate.ORDER, True, "RAN_BEFORE", {"environment": "qa", "version": "1.4.0"}),
)

CASES: dict[str, Callable[[Texts], Card]] = {
    **SUMMARIES,
    **LOG_CARDS,
    **POLICY_CARDS,
    "checklist": _checklist,
    "checklist-after-another": lambda texts: _checklist(texts, before=_BEFORE),
    "checklist-what-changed": lambda texts: _checklist(
        texts, before=replace(_BEFORE, commits=COMMITS)
    ),
    **{
        f"checklist-changed-{code.lower() or 'same'}": partial(
            _checklist, before=replace(_BEFORE, commits=Commits(unknown=code))
        )
        for code in ("", "BACKWARDS", "NO_HOST", "NO_COMMIT", "NOT_FOUND", "AWAY")
    },
    "checklist-complete": lambda texts: _checklist(texts, ticks=_TICKED),
    "checklist-replaced": lambda texts: _checklist(texts, ticks=_TICKED, replaced_by="1.5.0"),
    "checklist-closed": lambda texts: _checklist(texts, ticks=_TICKED, closed_at=NOW),
    "checklist-moved": lambda texts: moved_card(
        _LIST, _ITEMS, "https://acme.slack.com/archives/C0PRODUCTN/p17", texts
    ),
    "checklist-on-its-way": lambda texts: moved_card(_LIST, _ITEMS, "", texts),
    "checklist-no-item": lambda texts: _no(No.NO_SUCH_ITEM, texts),
    "checklist-no-role": lambda texts: _no(No.NOT_YOUR_ROLE, texts),
    "checklist-no-already": lambda texts: _no(No.ALREADY_TICKED, texts),
    "checklist-no-tick": lambda texts: _no(No.NOT_TICKED, texts),
    "checklist-no-changed": lambda texts: _no(No.CHANGED, texts),
    "checklist-no-automatic": lambda texts: _no(No.AUTOMATIC, texts),
    "checklist-no-closed": lambda texts: _no(No.CLOSED, texts, closed_at=NOW),
    "checklist-no-stale": lambda texts: _no(No.STALE_DIGEST, texts, replaced_by="1.5.0"),
    "checklist-no-list": lambda texts: _no(No.NO_LIST, texts),
    "refusal-demands": lambda texts: refusal_card(_DEMANDING, texts=texts, **_NAMED),
    "rollout-waiting-for-ci": _rollout_case(
        a_rollout(
            state=RolloutState.AWAITING_APPROVAL,
            by_itself=True,
            gates=(CI_PENDING,),
            change=None,
            before_generation=None,
        )
    ),
    "lock-new": lambda texts: lock_card(
        LockAnswer(Kept.NEW, _LOCK), "U0ANA00000", "QA", texts, NOW
    ),
    "lock-taken": lambda texts: lock_card(
        LockAnswer(Kept.TAKEN, _TAKEN, lost=_LOCK), "U0BEN00000", "QA", texts, NOW
    ),
    "lock-forced": lambda texts: lifted_card(Lifted.FORCED, _LOCK, "U0BEN00000", "QA", texts, NOW),
    "lock-held": lambda texts: held_card(_LOCK, "QA", "take", texts, NOW),
    "lock-held-lift": lambda texts: held_card(_LOCK, "QA", "lift", texts, NOW),
    "lock-answer": lambda texts: answer_card(
        Kept.TAKEN, _TAKEN, _LOCK, "QA", texts, NOW, told=True
    ),
    "lock-answer-untold": lambda texts: answer_card(
        Lifted.OWN, _LOCK, None, "QA", texts, NOW, told=False
    ),
    "locks": lambda texts: locks_card(
        [(_LOCK, "QA"), (_TAKEN, "QA"), (_BY_DYNAMO, "QA")], "U0ANA00000", texts, NOW
    ),
    "locks-none": lambda texts: locks_card([], "U0ANA00000", texts, NOW),
    "stats": lambda texts: stats_card(
        Delivery(
            30,
            frequency=Measure(21 / 30, 21),
            lead=Measure(16_200, 64, 5),
            failures=Measure(3 / 24, 24, 10),
            recovery=Measure(754, 2, 3),
            changes_of=19,
            failed=3,
            unrecovered=1,
        ),
        where="tasks-service → QA",
        days=30,
        texts=texts,
    ),
    "stats-young": lambda texts: stats_card(
        Delivery(1, Measure(None, 0), Measure(None, 0, 5), Measure(1, 1, 10), Measure(None, 0, 3)),
        where="QA",
        days=30,
        texts=texts,
    ),
    "history": _history,
    "history-empty": lambda texts: history_card(
        [], title="", older="", newer="", environment_title=str, texts=texts
    ),
    "refusal-locked": lambda texts: refusal_card(LOCKED_GATES, texts=texts, **_NAMED),
    "refusal-closed": lambda texts: refusal_card(CLOSED_GATES, texts=texts, **_NAMED),
    "status-locked": lambda texts: status_card(
        _locked_matrix(), line="status", texts=texts, now=NOW
    ),
    "status-locked-monospace": lambda texts: status_card(
        _locked_matrix(), line="status", texts=texts, now=NOW, monospace=True
    ),
    **{f"rollout-{name}": _rollout_case(rollout) for name, rollout in ROLLOUTS.items()},
    **{
        f"thread-{name}": _ended_case(rollout)
        for name, rollout in ROLLOUTS.items()
        if rollout.state.final
    },
    "refusal": lambda texts: refusal_card(GATES, texts=texts, **_NAMED),
    "refusal-ask": lambda texts: refusal_card(
        (*ASKED_GATES, VOID),
        texts=texts,
        ask=ask(DIGEST, "promote tasks-service prod", texts),
        **_NAMED,
    ),
    "override-question": lambda texts: override_card(
        (*ASKED_GATES, VOID),
        before=Running("1.3.2", OLD_DIGEST, ready=3, desired=3),
        digest=DIGEST,
        reason="users cannot log in <!here>",
        texts=texts,
        **_NAMED,
    ),
    "override-announced": lambda texts: announcement_card(
        a_rollout(override=OVERRIDE), environment_title="QA", texts=texts
    ),
    "opened": lambda texts: opened_card(
        _waiting(), environment_title="QA", who="S0RELEASERS U0LEAD", texts=texts
    ),
    "choice": lambda texts: choice_card(
        texts,
        "several_to_promote",
        ("promote tasks-service qa", "promote tasks-service prod"),
        service="tasks-service",
    ),
    "whoami": lambda texts: whoami_card(_STANDING, "U0REQUEST", texts, chosen=False),
    "whoami-nobody": lambda texts: whoami_card(Standing((), ()), "U0REQUEST", texts, chosen=True),
    "refusal-not-allowed": lambda texts: refusal_card(NOT_ALLOWED, texts=texts, **_NAMED),
    "dry-run-accepted": lambda texts: dry_run_card(OPEN_GATES, texts=texts, **_DRY),
    "dry-run-refused": lambda texts: dry_run_card(GATES, texts=texts, **_DRY),
    "usage-typo": lambda texts: usage_card(
        Typo(
            "unknown-service",
            {"word": "tasks-servce", "choices": ("api-gateway", "tasks-service")},
            ("deploy tasks-service qa", "deploy forms-service qa"),
        ),
        verb=DEPLOY,
        texts=texts,
    ),
    "usage-no-suggestion": lambda texts: usage_card(
        Typo("unknown-environment", {"word": "mars", "choices": ("dev", "qa", "prod")}),
        verb=DEPLOY,
        texts=texts,
    ),
    "usage-missing": lambda texts: usage_card(
        Typo("missing-arguments", {"missing": ("service", "environment"), "usage": DEPLOY.usage}),
        verb=DEPLOY,
        texts=texts,
    ),
    "usage-empty": lambda texts: usage_card(Typo("empty"), verb=None, texts=texts),
    "help": lambda texts: help_card((DEPLOY, STATUS), texts=texts),
    "help-deploy": lambda texts: verb_help_card(DEPLOY, texts=texts),
    "status": lambda texts: status_card(_matrix(), line="status", texts=texts, now=NOW),
    "status-monospace": lambda texts: status_card(
        _matrix(), line="status", texts=texts, now=NOW, monospace=True
    ),
    "status-workload": lambda texts: workload_card(
        _workload(),
        environment_title="QA",
        base_url="https://qa.yourapp.com",
        line="status tasks-service qa",
        texts=texts,
        now=NOW,
    ),
    "trouble-forbidden": lambda texts: trouble_card(
        _FORBIDDEN, error_id="e-5k2m", line="deploy tasks-service qa", texts=texts
    ),
    "trouble-bug": lambda texts: trouble_card(
        None, error_id="e-5k2m", line="deploy tasks-service qa", texts=texts, untouched=False
    ),
    "pointer": lambda texts: pointer_card(
        a_rollout(),
        environment_title="QA",
        permalink="https://acme.slack.com/archives/C0QADEPLOY/p1764000000000100",
        texts=texts,
    ),
    "pointer-waiting": lambda texts: pointer_card(
        a_rollout(), environment_title="QA", permalink="", texts=texts
    ),
    "notice": lambda texts: notice_card(
        texts, "nothing_to_cancel", service="tasks-service", environment="QA"
    ),
    "details": lambda texts: details_card(FAILED, environment_title="QA", texts=texts),
}
CASES |= operations_cases(a_rollout(), _rollout_case, _ended_case, NOW)
CASES |= home_cases(ROLLOUTS["waiting-open"], ROLLOUTS["progressing"], _LIST, _locked_matrix(), NOW)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES)
    if "language" in metafunc.fixturenames:
        metafunc.parametrize("language", LANGUAGES)


@pytest.fixture
def texts(language: str) -> Texts:
    return Texts.of(language)


@pytest.fixture
def card(case: str, texts: Texts) -> Card:
    """The card of one case in one language."""
    return CASES[case](texts)


@pytest.fixture(scope="session")
def rollouts() -> dict[str, Rollout]:
    """One rollout for each thing that its card can say, by name."""
    return ROLLOUTS


@pytest.fixture(scope="session")
def render() -> Callable[[Rollout, Texts], Card]:
    """The card of a rollout, in QA."""
    return lambda rollout, texts: _rollout_case(rollout)(texts)


class Makes:
    """Typos and declared verbs, for a test that fills them with anything."""

    def __call__(
        self, code: str, values: Mapping[str, Any], suggestions: tuple[str, ...] = ()
    ) -> Typo:
        return Typo(code, values, suggestions)

    def verb(self, name: str, usage: str, words: tuple[str, ...]) -> Declared:
        return Declared(name, usage, words, words)


@pytest.fixture(scope="session")
def typo() -> Makes:
    return Makes()
