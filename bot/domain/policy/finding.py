"""What is looked at to judge a policy, and what is found. Pure values.

A finding has a code, which names its sentence, and the evidence for it: each piece a code of its
own with values. The words are in `bot/text` under `policy`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.belongings import Belongings, Raw, pod_of
from bot.domain.comparison import Disparity
from bot.domain.variables import Variable, variables_of
from bot.domain.verdict import Value
from config.catalog import Environment, Policy, Service, Severity


class Standing(StrEnum):
    """How it is with a policy. What cannot be known is neither kept nor broken."""

    KEPT = "KEPT"
    BROKEN = "BROKEN"
    UNKNOWN = "UNKNOWN"
    EXEMPT = "EXEMPT"  # dynamo.yml itself decides otherwise for this service


@dataclass(frozen=True, slots=True)
class Evidence:
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    policy: Policy
    standing: Standing
    severity: Severity
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()

    @property
    def blocks(self) -> bool:
        """Only what is known to be broken stops a rollout."""
        return self.standing is Standing.BROKEN and self.severity is Severity.BLOCK

    @property
    def warns(self) -> bool:
        return self.standing is Standing.BROKEN and self.severity is Severity.WARN


@dataclass(frozen=True, slots=True)
class Peer:
    """The same service in another environment: where it stores its data (`instances`: hosts of
    Supabase), or why that is not known."""

    environment: Environment
    instances: frozenset[str] = frozenset()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Parity:
    """This environment against another. `missing` says that the service does not run there;
    `unknown` why the other could not be looked at. `names_alone`: before a rollout, values and
    settings are not compared."""

    other: Environment
    here_is_left: bool = True
    disparities: tuple[Disparity, ...] = ()
    missing: bool = False
    unknown: str = ""
    names_alone: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the judges of policies may look at. `pod` is what is to run (before a rollout) or
    what runs. `logs` is None where logs were not looked at."""

    service: Service
    environment: Environment
    belongings: Belongings
    pod: Raw
    logs: tuple[str, ...] | None = None
    parity: Parity | None = None
    peers: tuple[Peer, ...] = ()
    before: bool = False

    @property
    def variables(self) -> tuple[Variable, ...]:
        return variables_of(self.pod, self.belongings)

    @classmethod
    def of(
        cls, service: Service, environment: Environment, held: Belongings, pod: Raw | None = None
    ) -> "Scene":
        wanted = pod if pod is not None else pod_of(held.deployment)
        return cls(service, environment, held, wanted, before=pod is not None)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge says; the severity is the environment's."""

    standing: Standing
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()


Judge = Callable[[Scene], Judged]


def packed(findings: Iterable[PolicyFinding]) -> str:
    """As one text: what a gate's answer carries, and a store keeps with it."""
    return json.dumps(
        [
            {
                "policy": each.policy,
                "standing": each.standing,
                "severity": each.severity,
                "code": each.code,
                "values": dict(each.values),
                "evidence": [[piece.code, dict(piece.values)] for piece in each.evidence],
            }
            for each in findings
        ]
    )


def unpacked(text: str) -> tuple[PolicyFinding, ...]:
    """What `packed` made; nothing of what no version of it would have made."""
    try:
        return tuple(
            PolicyFinding(
                Policy(each["policy"]),
                Standing(each["standing"]),
                Severity(each["severity"]),
                str(each["code"]),
                dict(each["values"]),
                tuple(Evidence(str(code), dict(values)) for code, values in each["evidence"]),
            )
            for each in json.loads(text)
        )
    except (ValueError, KeyError, TypeError):
        return ()
