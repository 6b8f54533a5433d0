"""The cards of rollbacks, scalings and restarts, by name: `conftest.py` adds them to its own."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bot.cards import rollback, scale
from bot.cards.card import Card
from bot.domain.judgement import Change
from bot.domain.kind import GoodRelease, Kind, Scaling, Span
from bot.domain.promotion import Commit, Commits
from bot.domain.rollout import Progress, Rollout, RolloutState, Running
from bot.domain.shortage import Shortage
from bot.domain.verdict import Finding, Outcome, Reason, Verdict
from bot.domain.workload import Autoscaler
from bot.text import Texts

Make = Callable[[Rollout], Callable[[Texts], Card]]


def cases(
    base: Rollout, card: Make, ended: Make, now: datetime
) -> dict[str, Callable[[Texts], Card]]:
    """`base` is a deploy under way; `card` and `ended` make its card and its reply."""
    good = GoodRelease("sha256:" + "7" * 64, "1.3.2", now - timedelta(days=3))
    done: dict[str, Any] = {"finished_at": now, "completed_at": now, "progress": Progress(3, 3, 3)}
    well = Verdict(Outcome.PASS, Reason.COMPLETE)
    back = base.with_(
        kind=Kind.ROLLBACK,
        version="1.3.2",
        before=Running("1.4.0", "sha256:" + "4" * 64, ready=1, desired=3),
        line="rollback tasks-service qa",
        reason="errors since the deploy",
        held=True,
        stays=("ConfigMap tasks-service-config", "Secret tasks-service-secrets"),
    )
    commits = Commits(
        (Commit("a" * 40, "Cache tasks", "Ana López"), Commit("b" * 40, "Tidy up", "Ben <b>")),
        of=2,
        url="https://github.com/yourorg/tasks-service/compare/a...b",
    )
    rolled_back = back.with_(state=RolloutState.SUCCEEDED, verdict=well, commits=commits, **done)
    failed_back = back.with_(
        state=RolloutState.FAILED,
        verdict=Verdict(
            Outcome.FAIL,
            Reason.DEADLINE_EXCEEDED,
            {"seconds": 600, "updated": 2, "desired": 3, "available": 2},
        ),
        template_kept=False,
        stays=(),
        finished_at=now,
        commits=commits,
    )
    scaling = base.with_(
        kind=Kind.SCALE,
        scaling=Scaling(replicas=5, before=3),
        line="scale tasks-service qa 5",
        reason="",
        change=Change(now - timedelta(seconds=18), generation=5, replicas=5),
        progress=Progress(5, 5, 3),
    )
    nowhere = Finding(
        Reason.UNSCHEDULABLE,
        Outcome.WARN,
        pods=("tasks-service-1", "tasks-service-2"),
        of=5,
        message="0/3 nodes are available: 3 Insufficient cpu",
        values={"resource": "cpu"},
    )
    short = (
        Shortage("cpu", "each", "500m", "200m", "300m"),
        Shortage("memory", "allocatable", "8Gi", "4Gi", "4Gi"),
        Shortage("requests.cpu", "quota", "500m", "0", "500m", name="compute", limit="2"),
    )
    pending = scaling.with_(
        verdict=Verdict(Outcome.WARN, Reason.UNSCHEDULABLE, {}, (nowhere,)), short=short
    )
    bounds = scaling.with_(
        scaling=Scaling(
            before=3, autoscaler="tasks-service", span=Span(5, 9), span_before=Span(2, 8)
        ),
        line="scale tasks-service qa 5-9",
        progress=Progress(5, 5, 5),
    )
    restart = base.with_(kind=Kind.RESTART, line="config tasks-service qa", reason="")
    names = {"service": "tasks-service", "environment_title": "Production"}
    scaler = Autoscaler("tasks-service", 2, 8, 4, 4)
    scaled = {"state": RolloutState.SUCCEEDED, "verdict": well, **done}
    return {
        "succeeded-with-a-way-back": card(
            base.with_(state=RolloutState.SUCCEEDED, verdict=well, way_back=good, **done)
        ),
        "rollback-progressing": card(back),
        "rollback-succeeded": card(rolled_back),
        "rollback-failed": card(failed_back),
        "ended-rollback": ended(rolled_back),
        "ended-rollback-failed": ended(failed_back),
        "rollback-asked": lambda texts: rollback.ask_card(
            good,
            before="1.4.0",
            stays=("ConfigMap tasks-service-config",),
            whole=True,
            line="rollback tasks-service prod",
            texts=texts,
            **names,
        ),
        "scale-progressing": card(scaling),
        "scale-pending": card(pending),
        "scale-succeeded": card(scaling.with_(**{**scaled, "progress": Progress(5, 5, 5)})),
        "scale-to-zero": card(
            scaling.with_(
                **{**scaled, "verdict": Verdict(Outcome.PASS, Reason.SCALED_TO_ZERO)},
                scaling=Scaling(replicas=0, before=1),
            )
        ),
        "scale-failed": card(
            pending.with_(
                state=RolloutState.FAILED,
                verdict=Verdict(Outcome.FAIL, Reason.UNSCHEDULABLE, {}, (nowhere,)),
                finished_at=now,
            )
        ),
        "ended-scale": ended(scaling.with_(**scaled)),
        "scale-asked": lambda texts: scale.ask_card(
            number=0, now=4, line="scale tasks-service prod 0", texts=texts, **names
        ),
        "scale-owned": lambda texts: scale.owned_card(
            scaler, environment="prod", line="scale tasks-service prod 5", texts=texts, **names
        ),
        "bounds-succeeded": card(bounds.with_(**{**scaled, "progress": Progress(5, 5, 5)})),
        "restart-progressing": card(restart),
        "ended-restart": ended(restart.with_(**scaled)),
    }
