"""Analyses to make cards of: all is well, each way in which it is not, and what follows."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.cards.card import Card
from bot.cards.chart import chart_of
from bot.cards.summary import summary_card, wants_chart
from bot.cards.summary_details import details_card
from bot.cards.summary_words import Shown
from bot.domain.analysis import (
    Analysis,
    DataState,
    Follow,
    Part,
    Reading,
    Result,
    Sample,
    Stage,
    Successor,
    Unit,
    Window,
    Windows,
)
from bot.domain.audit import DYNAMO
from bot.domain.kind import Kind
from bot.domain.policy.finding import Evidence, PolicyFinding, Standing
from bot.domain.rollout import CardRef
from bot.text import Texts
from config.catalog import Policy, Severity

WRITTEN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
COMPLETED = WRITTEN + timedelta(seconds=40)
WINDOWS = Windows(
    before=Window(WRITTEN - timedelta(minutes=30), WRITTEN - timedelta(minutes=1)),
    after=Window(COMPLETED + timedelta(minutes=1), COMPLETED + timedelta(minutes=15)),
    written=WRITTEN,
    completed=COMPLETED,
)


def series(before: float, after: float) -> tuple[Sample, ...]:
    """A sample a minute in both windows, in a believable zigzag."""
    wave = (0, 0.06, -0.05, 0.02, -0.03, 0.08, -0.07)
    old = [
        Sample(WINDOWS.before.start + timedelta(minutes=n), before * (1 + wave[n % 7]))
        for n in range(30)
    ]
    new = [
        Sample(WINDOWS.after.start + timedelta(minutes=n), after * (1 + wave[n % 7]))
        for n in range(14)
    ]
    return (*old, *new)


def measured(
    name: str,
    unit: Unit,
    before: float,
    after: float,
    result: Result = Result.PASS,
    **more: Any,
) -> Reading:
    asked = f'sum(rate(x_total{{namespace="dynamo",pod=~"tasks-service-7d9f8-.*"}}[1m])) # {name}'
    given: dict[str, Any] = {"code": "ANY", "query": asked, "series": series(before, after)}
    return Reading(
        Part.METRICS,
        name,
        result,
        unit=unit,
        before=before,
        after=after,
        **{**given, **more},
    )


ERRORS = measured(
    "ERROR_RATIO", Unit.RATIO, 0.0009, 0.0008, values={"requests_after": 4310, "p": 0.6}
)
LATENCY = measured("LATENCY_P95", Unit.SECONDS, 0.178, 0.182)
MEMORY = measured("MEMORY", Unit.BYTES, 210 * 1024**2, 214 * 1024**2)
MORE_ERRORS = measured(
    "ERROR_RATIO",
    Unit.RATIO,
    0.0009,
    0.029,
    Result.FAIL,
    values={"requests_after": 4310, "p": 1e-9, "threshold": 0.005},
)
SLOWER = measured("LATENCY_P95", Unit.SECONDS, 0.178, 0.26, Result.WARN, values={"p": 0.004})
NO_METRIC = Reading(
    Part.METRICS, "CPU", Result.INCONCLUSIVE, "NOTHING_KNOWN", state=DataState.NO_METRIC
)
LOGS = Reading(
    Part.LOGS, "ERROR_LINES", Result.PASS, "ANY", unit=Unit.PER_SECOND, before=0.1, after=0.1
)
DEPENDENCY = Reading(
    Part.INTEGRATION, "DEPENDENCY", Result.PASS, "ANY", subject="auth-service", before=1, after=1
)
AWAY = Reading(
    Part.INTEGRATION,
    "DEPENDENCY_HEALTH",
    Result.FAIL,
    "HEALTH_STATUS",
    subject="auth-service",
    values={"status": 503},
)
ROUTE = Reading(
    Part.RESPONSE_TIMES,
    "ROUTE",
    Result.PASS,
    "ANY",
    subject="/tasks?q=<!channel>",
    unit=Unit.SECONDS,
    before=0.08,
    after=0.081,
)
WELL = (ERRORS, LATENCY, MEMORY, LOGS, DEPENDENCY, ROUTE)
WORSE = (MORE_ERRORS, SLOWER, MEMORY, LOGS, DEPENDENCY, ROUTE, NO_METRIC)


def an_analysis(**changes: Any) -> Analysis:
    """Final, as good as the one before."""
    analysis = Analysis(
        rollout="k7m2p9xa",
        service="tasks-service",
        environment="prod",
        version="1.4.0",
        digest="sha256:ab12" + "0" * 56 + "9f04",
        previous="1.3.2",
        asked_by="U0REQUEST",
        written=WRITTEN,
        completed=COMPLETED,
        card=CardRef("C0PRODUCTN", "1764000000.000100"),
        windows=WINDOWS,
        stage=Stage.FINAL,
        readings=WELL,
        baselines={},
    )
    return analysis.with_(**changes)


def shown_of(analysis: Analysis, texts: Texts, **changes: Any) -> Shown:
    title = "Producción" if texts.language == "es" else "Production"
    chart = chart_of(analysis, title, texts) if wants_chart(analysis) else None
    given: dict[str, Any] = {
        "environment_title": title,
        "dashboard": "https://grafana.yourapp.com/d/services?var-service=tasks-service&from=1&to=2",
        "called": "S0DEVELOPR",
        "final_at": COMPLETED + timedelta(minutes=15),
        "chart": chart,
    }
    return Shown(**{**given, **changes})


def _summary(**changes: Any) -> Callable[[Texts], Card]:
    analysis = an_analysis(**changes)
    return lambda texts: summary_card(analysis, shown_of(analysis, texts), texts)


def _pictured(texts: Texts) -> Card:
    analysis = an_analysis(readings=WORSE, follow=Follow.ASKED)
    shown = shown_of(analysis, texts, drawn=False)
    assert shown.chart is not None
    uploaded = analysis.with_(chart="F0CHART0001", charted=shown.chart.fingerprint)
    return summary_card(uploaded, shown, texts)


def _details(**changes: Any) -> Callable[[Texts], Card]:
    analysis = an_analysis(**changes)
    return lambda texts: details_card(analysis, shown_of(analysis, texts), texts)


_COUNTING = {
    "readings": WORSE,
    "follow": Follow.COUNTDOWN,
    "target": "1.3.2",
    "stage": Stage.PROVISIONAL,
    "acts_at": COMPLETED + timedelta(minutes=6),
}

KEPT = PolicyFinding(
    Policy.ISOLATED_SUPABASE,
    Standing.KEPT,
    Severity.BLOCK,
    "ISOLATED",
    {"instance": "yourapp.supabase.co"},
)
BROKEN = PolicyFinding(
    Policy.NO_DEBUG_TOOLS,
    Standing.BROKEN,
    Severity.WARN,
    "DEBUG_TOOLS",
    {"count": 1},
    evidence=(Evidence("LOG_LEVEL", {"name": "LOG_LEVEL", "value": "debug", "source": "tasks"}),),
)
NOT_LOOKED = PolicyFinding(
    Policy.STRUCTURED_LOGS, Standing.UNKNOWN, Severity.WARN, "NOT_LOOKED", {"why": "AWAY"}
)

_UNSEEN: dict[str, Any] = {"readings": (), "windows": None}


def _stopped(kind: Kind, version: str, **changes: Any) -> Callable[[Texts], Card]:
    return _summary(stage=Stage.STOPPED, successor=Successor(kind, version), **changes)


SUMMARIES: Mapping[str, Callable[[Texts], Card]] = {
    "summary-well": _summary(),
    "summary-well-so-far": _summary(stage=Stage.PROVISIONAL),
    "summary-well-first": _summary(previous="", readings=(LOGS, DEPENDENCY)),
    "summary-well-not-all-judged": _summary(readings=(*WELL, NO_METRIC)),
    "summary-well-policies-kept": _summary(policies=(KEPT,)),
    "summary-well-policy-broken": _summary(policies=(KEPT, BROKEN, NOT_LOOKED)),
    "summary-fail-policy-broken": _summary(readings=WORSE, policies=(BROKEN,), follow=Follow.ASKED),
    "summary-back": _summary(is_rollback=True, version="1.3.2", previous="1.4.0"),
    "summary-warn": _summary(readings=(ERRORS, SLOWER, MEMORY)),
    "summary-fail-asked": _summary(readings=WORSE, follow=Follow.ASKED, target="1.3.2"),
    "summary-fail-around": _summary(readings=(*WELL, AWAY), follow=Follow.ASKED, target="1.3.2"),
    "summary-fail-twice": _summary(
        readings=WORSE, follow=Follow.ASKED, why_asked="TWICE", target="1.3.2"
    ),
    "summary-fail-refused": _summary(
        readings=WORSE, follow=Follow.ASKED, why_asked="REFUSED:the image is gone <!here>"
    ),
    "summary-fail-burning": _summary(readings=WORSE, burning=True, stage=Stage.PROVISIONAL),
    "summary-fail-countdown": _summary(**_COUNTING),
    "summary-fail-kept": _summary(readings=WORSE, follow=Follow.KEPT, decided_by="U0LEAD"),
    "summary-fail-held": _summary(readings=WORSE, follow=Follow.HELD, muted_by="U0LEAD"),
    "summary-fail-gone-back": _summary(
        readings=WORSE, follow=Follow.ROLLED_BACK, decided_by=DYNAMO, stage=Stage.STOPPED
    ),
    "summary-fail-first": _summary(readings=WORSE, previous="", follow=Follow.ASKED),
    "summary-pictured": _pictured,
    "summary-inconclusive": _summary(readings=(NO_METRIC,)),
    "summary-nothing-looked-at": _summary(readings=()),
    "summary-stopped": _summary(stage=Stage.STOPPED),
    "summary-stopped-overtaken": _stopped(
        Kind.DEPLOY, "1.4.1", readings=WORSE, follow=Follow.ASKED
    ),
    "summary-stopped-unseen": _stopped(Kind.DEPLOY, "1.4.1", **_UNSEEN),
    "summary-stopped-unseen-back": _stopped(Kind.ROLLBACK, "1.3.2", **_UNSEEN),
    "summary-stopped-unseen-restart": _stopped(Kind.RESTART, "1.4.0", **_UNSEEN),
    "thread-summary-well": _details(),
    "thread-summary-fail": _details(readings=WORSE, follow=Follow.ASKED),
    "thread-summary-policies": _details(policies=(KEPT, BROKEN)),
    "thread-summary-countdown": _details(**_COUNTING),
    "thread-summary-held": _details(readings=WORSE, follow=Follow.HELD),
}
