"""Policies, differences and configurations to make cards of: well, not well, and hostile."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.cards.card import Card
from bot.cards.comparison import compared_card, foreseen_card
from bot.cards.configuration import announced_card, question_card, refused_card
from bot.cards.policy import broken_card, check_card
from bot.cards.refusal import refusal_card
from bot.domain.belongings import Unread
from bot.domain.comparison import PLACE, Area, Code, Disparity, Weight
from bot.domain.configuration import Become, KeyChange, ObjectPlan
from bot.domain.drift import Difference
from bot.domain.gate import Gate, GateResult
from bot.domain.image import Image
from bot.domain.policy.finding import Evidence, PolicyFinding, Standing, packed
from bot.domain.rollout import Running
from bot.text import Texts
from config.catalog import Policy, Severity

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FOREIGN = "*bold* <!channel> ``` @here"
DIGEST = "sha256:ab12" + "0" * 56 + "9f04"
OTHER_DIGEST = "sha256:ab12" + "1" * 56 + "9f04"  # shown the same way
PAIR = ("qa", "prod")
OF: dict[str, Any] = {
    "service": "tasks-service",
    "environment": "prod",
    "environment_title": "Production",
}

PARITY_VALUES: dict[str, Any] = {"other": "qa", "left": "qa", "right": "prod", "count": 1}
MISSING = Evidence(
    "ONLY_LEFT",
    {"path": "FEATURE_X", "of": "tasks-service-config", "area": "VARIABLE"}
    | {"left": "qa", "right": "prod", "left_value": "", "right_value": ""},
)


def finding(
    policy: Policy,
    standing: Standing,
    code: str,
    *evidence: Evidence,
    severity: Severity = Severity.WARN,
    **values: Any,
) -> PolicyFinding:
    return PolicyFinding(policy, standing, severity, code, values, evidence)


KEPT = (
    finding(Policy.NO_DEBUG_TOOLS, Standing.KEPT, "NO_DEBUG_TOOLS"),
    finding(Policy.STRUCTURED_LOGS, Standing.KEPT, "STRUCTURED", read=590, of=600, percent=98),
    finding(Policy.AUTOSCALING, Standing.EXEMPT, "FIXED", count=4),
    finding(Policy.ISOLATED_SUPABASE, Standing.KEPT, "ISOLATED", instance="yourapp.supabase.co"),
)
BROKEN = (
    finding(
        Policy.NO_DEBUG_TOOLS,
        Standing.BROKEN,
        "DEBUG_TOOLS",
        Evidence("DEBUGGER", {"what": "--inspect=0.0.0.0:9229", "where": "NODE_OPTIONS"}),
        Evidence("LOG_LEVEL", {"name": "LOG_LEVEL", "value": "debug", "source": "tasks-config"}),
        Evidence("MODE", {"name": "NODE_ENV", "value": FOREIGN, "source": ""}),
        severity=Severity.BLOCK,
        count=3,
    ),
    finding(
        Policy.STRUCTURED_LOGS,
        Standing.BROKEN,
        "UNSTRUCTURED",
        Evidence("LINE", {"line": FOREIGN}),
        read=12,
        of=600,
        percent=2,
        least=90,
    ),
    finding(
        Policy.AUTOSCALING,
        Standing.BROKEN,
        "AUTOSCALER_UNSOUND",
        Evidence("NO_ROOM", {"least": 3, "most": 3}),
        Evidence("INACTIVE", {"why": FOREIGN}),
        least=3,
        most=3,
    ),
    finding(Policy.PRODUCTION_PARITY, Standing.BROKEN, "NO_PARITY", MISSING, **PARITY_VALUES),
    finding(
        Policy.ISOLATED_SUPABASE,
        Standing.UNKNOWN,
        "PEERS_UNKNOWN",
        Evidence("PEER_UNKNOWN", {"environment": "dev", "why": "AWAY"}),
        instance="yourapp.supabase.co",
    ),
)
UNKNOWN = (
    finding(
        Policy.NO_DEBUG_TOOLS,
        Standing.UNKNOWN,
        "CANNOT_READ",
        verb="get",
        resource="configmaps",
        namespace="dynamo",
    ),
    KEPT[1],
)
GATES = (
    GateResult(Gate.PERMISSION, True, "ALLOWED"),
    GateResult(
        Gate.POLICY,
        False,
        "POLICIES_BROKEN",
        {"environment": "prod", "count": 4, "findings": packed(BROKEN[:4])},
    ),
)
WARNING = GateResult(
    Gate.POLICY,
    True,
    "POLICIES_WARN",
    {"environment": "prod", "count": 1, "findings": packed(BROKEN[3:4])},
)


def disparity(weight: Weight, code: Code, area: Area, path: str, *rest: str) -> Disparity:
    return Disparity(weight, code, area, path, *rest)


DISPARITIES = (
    disparity(Weight.RISK, Code.ONLY_LEFT, Area.VARIABLE, "FEATURE_X", "tasks-config"),
    disparity(Weight.RISK, Code.ONLY_RIGHT, Area.SECRET, "", "tasks-secrets"),
    disparity(
        *(Weight.RISK, Code.VALUE, Area.DEPLOYMENT),
        *("containers[app].readinessProbe.httpGet.path", "", "/healthz", FOREIGN),
    ),
    disparity(Weight.VERSION, Code.VALUE, Area.DEPLOYMENT, "version", "", "1.4.0", "1.3.2"),
    disparity(
        *(Weight.VERSION, Code.VALUE, Area.DEPLOYMENT),
        *("containers[app].image.digest", "", DIGEST, OTHER_DIGEST),
    ),
    disparity(Weight.INFO, Code.VALUE, Area.CONFIG, "C: a.b", "tasks-config", "1", "2"),
    disparity(Weight.INFO, Code.SECRET_SAME, Area.SECRET, "MAIL", "tasks-secrets"),
    disparity(Weight.EXPECTED, Code.SECRET_DIFFERS, Area.SECRET, "DB", "tasks-secrets"),
    disparity(
        *(Weight.EXPECTED, Code.VALUE, Area.CONFIG, "URL", "tasks-config"),
        *("https://qa.x.com", "https://app.x.com", PLACE),
    ),
    disparity(
        *(Weight.EXPECTED, Code.VALUE, Area.DEPLOYMENT, "replicas", "", "3", "4", "replicas"),
    ),
)
UNREAD = (Unread("get", "secrets", "dynamo"),)


def compared(
    disparities: tuple[Disparity, ...],
    unread: tuple[Unread, ...] = (),
    behind: tuple[str, ...] | None = None,
) -> Callable[[Texts], Card]:
    return lambda texts: compared_card(
        disparities,
        service="tasks-service",
        names=PAIR,
        titles=("QA", "Production"),
        unread=unread,
        at=AT,
        behind=behind,
        texts=texts,
    )


CHANGES = (
    KeyChange(Become.ADDED, "FEATURE_X", after="true"),
    KeyChange(Become.ADDED, "EMPTY"),
    KeyChange(Become.CHANGED, "LIMITS", "tasks.most", "10", "20"),
    KeyChange(Become.CHANGED, "GREETING", "", FOREIGN, "[redacted]"),
    KeyChange(Become.REMOVED, "OLD", before="x"),
)
PLAN = ObjectPlan("tasks-service-config", {}, "7", CHANGES, ("CACHE", FOREIGN))
NEW = ObjectPlan("tasks-extra", {}, "", CHANGES[:1])
SAME = ObjectPlan("tasks-same", {}, "7")
HUGE = ObjectPlan(
    "tasks-huge",
    {},
    "7",
    tuple(KeyChange(Become.ADDED, f"KEY_{n:04}", after="v" * 60) for n in range(500)),
)


def question(*objects: ObjectPlan, **more: Any) -> Callable[[Texts], Card]:
    given: dict[str, Any] = {"restored": None, "restarts": True, "changed": False, **more}
    return lambda texts: question_card(
        objects, **OF, file="tasks-service/config.yaml", fingerprint="f00d", texts=texts, **given
    )


def announced(*objects: ObjectPlan, **more: Any) -> Callable[[Texts], Card]:
    given: dict[str, Any] = {"restored": None, "restarts": True, **more}
    return lambda texts: announced_card(objects, who="U0BEN00000", **OF, texts=texts, **given)


def foreseen(*gates: GateResult, **more: Any) -> Callable[[Texts], Card]:
    given: dict[str, Any] = {
        "differences": (Difference("containers[app].resources.limits.memory", "384Mi", "512Mi"),),
        "configs": (PLAN,),
        "before": Running("1.3.2", OTHER_DIGEST, 3, 3),
        **more,
    }
    differences, configs = given.pop("differences"), given.pop("configs")
    return lambda texts: foreseen_card(
        gates,
        differences,
        configs,
        **OF,
        version="1.4.0",
        image=Image("r/tasks", "1.4.0", DIGEST),
        texts=texts,
        **given,
    )


def checked(*findings: PolicyFinding) -> Callable[[Texts], Card]:
    return lambda texts: check_card(findings, **OF, pair=PAIR, texts=texts)


POLICY_CARDS: Mapping[str, Callable[[Texts], Card]] = {
    "check-kept": checked(*KEPT),
    "check-broken": checked(*BROKEN),
    "check-unknown": checked(*UNKNOWN),
    "check-after-rollout": lambda texts: broken_card(BROKEN, **OF, pair=PAIR, texts=texts),
    "refusal-policies": lambda texts: refusal_card(
        GATES,
        service="tasks-service",
        environment_title="Production",
        version="1.4.0",
        line="deploy tasks-service prod 1.4.0",
        texts=texts,
    ),
    "diff-places": compared(DISPARITIES, UNREAD),
    "diff-places-behind": compared(
        DISPARITIES[2:3], behind=(*(f"1.{n}.0" for n in range(8)), FOREIGN)
    ),
    "diff-places-alike": compared(DISPARITIES[-2:]),
    "diff-places-many": compared(DISPARITIES[:1] * 200 + DISPARITIES[5:6] * 200),
    "diff-deploy": foreseen(WARNING, GATES[1]),
    "diff-deploy-nothing": foreseen(
        differences=(), configs=(SAME,), before=Running("1.4.0", DIGEST, 3, 3)
    ),
    "diff-deploy-first": foreseen(differences=(), configs=None, before=None),
    "config-question": question(PLAN, NEW, SAME),
    "config-question-changed": question(PLAN, changed=True, restarts=False),
    "config-question-restore": question(PLAN, restored=(AT, "U0ANA00000")),
    "config-question-huge": question(HUGE),
    "config-refused": lambda texts: refused_card(
        (
            GateResult(
                Gate.MANIFEST,
                False,
                "CONFIG_INVALID",
                {"path": "config.yaml", "line": 9, "message": "config.yaml:9: 'A' is here twice"},
            ),
        ),
        service="tasks-service",
        environment_title="Production",
        line="config tasks-service prod",
        texts=texts,
    ),
    "config-announced": announced(PLAN),
    "config-announced-restore": announced(PLAN, restored=AT, restarts=False),
}
