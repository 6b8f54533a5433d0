"""One service in two environments, held against each other. Pure.

Compared are live objects in their normal form (`normal.py`), never the text of manifests; what may
differ stands in `expectations.py`. The most valuable find is a name that one side has and the other
lacks: the deploy that will crash (research/rollouts.md §6).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from bot.domain.belongings import Belongings, Raw, mapping, references_of
from bot.domain.expectations import Rules, Tokens, alike_but_for_the_place
from bot.domain.normal import (
    INJECTED,
    autoscaler_leaves,
    budget_leaves,
    deployment_leaves,
    service_leaves,
)
from bot.domain.snapshot import VERSION
from bot.domain.structured import LARGEST, leaves_of
from bot.domain.variables import Origin, Variable, variables_of

_RISKY = re.compile(
    r"(readiness|liveness|startup)Probe|[sS]ecurityContext|^strategy|resources\.limits"
    r"|\.envFrom\[|\.(command|args)$|\.ports\[|serviceAccountName|^volumes\[|\.volumeMounts\["
    r"|^host(Network|PID|IPC)$|image\.repository$|^paused$|^metrics\[|^selector"
)


class Weight(StrEnum):
    """From what breaks a deploy to what nobody needs to read."""

    RISK = "RISK"
    VERSION = "VERSION"
    INFO = "INFO"
    EXPECTED = "EXPECTED"


class Code(StrEnum):
    """What differs; the words are in `bot/text` under `compare.code`."""

    ONLY_LEFT = "ONLY_LEFT"
    ONLY_RIGHT = "ONLY_RIGHT"
    VALUE = "VALUE"
    SECRET_SAME = "SECRET_SAME"  # noqa: S105 - both environments hold one secret value
    SECRET_DIFFERS = "SECRET_DIFFERS"  # noqa: S105


class Area(StrEnum):
    """In what it differs."""

    VARIABLE = "VARIABLE"
    CONFIG = "CONFIG"
    SECRET = "SECRET"  # noqa: S105
    DEPLOYMENT = "DEPLOYMENT"
    AUTOSCALER = "AUTOSCALER"
    SERVICE = "SERVICE"
    BUDGET = "BUDGET"


@dataclass(frozen=True)  # no slots: what is derived is kept
class Side:
    """One service in one environment; `pod` is what is to run there, where that is not (yet) what
    the live Deployment says."""

    name: str
    tokens: Tokens
    belongings: Belongings
    pod: Raw | None = None

    @property
    def runs(self) -> Raw:
        return self.pod if self.pod is not None else self.belongings.pod

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        return variables_of(self.runs, self.belongings)


@dataclass(frozen=True, slots=True)
class Disparity:
    """`of` names the object, `path` what in it; `left` and `right` are raw ("" where there is
    nothing, and for a Secret always): whoever shows them masks and cuts them. `rule`: by which it
    is expected."""

    weight: Weight
    code: Code
    area: Area
    path: str
    of: str = ""
    left: str = ""
    right: str = ""
    rule: str = ""


PLACE = "{environment}"
"""As `Disparity.rule`: the values differ in the words that name their environments."""


def compare(left: Side, right: Side, rules: Rules) -> tuple[Disparity, ...]:
    """All that differs, what matters most first; within one weight by area and path."""
    names = compare_names(left, right, rules)
    found = [
        *names,
        *_configs(left, right, rules, told={each.path for each in names}),
        *_secrets(left, right),
        *_deployments(left, right, rules),
        *_around(left, right, rules),
    ]
    return _in_order(found)


def compare_names(left: Side, right: Side, rules: Rules) -> tuple[Disparity, ...]:
    """Only the names that one side's containers are given and the other's lack, and what a
    Deployment refers to that is not there: all that can be said before a rollout."""
    return _in_order([*_variables(left, right, rules), *_missing_objects(left, right)])


def _in_order(found: list[Disparity]) -> tuple[Disparity, ...]:
    weights, areas = list(Weight), list(Area)
    return tuple(
        sorted(found, key=lambda d: (weights.index(d.weight), areas.index(d.area), d.of, d.path))
    )


def _variables(left: Side, right: Side, rules: Rules) -> Iterator[Disparity]:
    """By name alone, of the containers that both sides have: whatever a value comes from, the code
    that reads it asks for the name. Where a side's sources could not be read, nothing is missing
    for certain."""
    mine, theirs = _by_name(left), _by_name(right)
    shared = {holder for holder, _ in mine} & {holder for holder, _ in theirs}
    for (holder, name), variable in {**theirs, **mine}.items():
        if holder not in shared:
            continue
        here, there = (holder, name) in mine, (holder, name) in theirs
        if here == there:
            continue
        lacking = right if here else left
        if not lacking.runs or _blind(lacking, variable):
            continue
        rule = rules.expects(name, both=False)
        yield Disparity(
            Weight.EXPECTED if rule else Weight.RISK,
            Code.ONLY_LEFT if here else Code.ONLY_RIGHT,
            Area.VARIABLE,
            name,
            of=variable.source,
            rule=rule,
        )


def _by_name(side: Side) -> dict[tuple[str, str], Variable]:
    return {(each.container, each.name): each for each in side.variables if each.there}


def _blind(side: Side, variable: Variable) -> bool:
    """Whether the name may well be there, in something that could not be read. A Secret that could
    not does not hide the lack of what comes from a ConfigMap on the other side."""
    wanted, held = references_of(side.runs), side.belongings
    if not wanted.every_config <= held.configs.keys():
        return True
    secret = variable.origin is Origin.SECRET
    return secret and not wanted.every_secret <= held.secrets.keys()


def _missing_objects(left: Side, right: Side) -> Iterator[Disparity]:
    for side, code in ((left, Code.ONLY_RIGHT), (right, Code.ONLY_LEFT)):
        wanted, held = references_of(side.runs), side.belongings
        for name in sorted(wanted.configs):
            if name in held.configs and held.configs[name] is None:
                yield Disparity(Weight.RISK, code, Area.CONFIG, "", of=name)
        for name in sorted(wanted.secrets):
            if name in held.secrets and held.secrets[name] is None:
                yield Disparity(Weight.RISK, code, Area.SECRET, "", of=name)


def _configs(left: Side, right: Side, rules: Rules, *, told: Set[str]) -> Iterator[Disparity]:
    """Keys that become variables are told by their names already; here are their values, and the
    keys of ConfigMaps that are mounted as files."""
    for name, mine, theirs in _pairs(left, right):
        if mine is None or theirs is None:
            continue
        for field, shown in (("data", str), ("binaryData", _sealed)):
            one, other = mapping(mine.get(field)), mapping(theirs.get(field))
            for key in dict.fromkeys([*one, *other]):
                if key in one and key in other:
                    yield from _values(
                        key, shown(one[key]), shown(other[key]), name, (left, right), rules
                    )
                elif key not in told:
                    weight = Weight.INFO if _is_elsewhere(key, (left, right)) else Weight.RISK
                    yield _lonely(Area.CONFIG, key, name, one, other, rules, weight)


def _pairs(left: Side, right: Side) -> Iterator[tuple[str, Raw | None, Raw | None]]:
    """ConfigMaps that play the same part: of one name, but for the environment in it."""
    others = dict(right.belongings.configs)
    for name, mine in left.belongings.configs.items():
        for other in list(others):
            if name == other or alike_but_for_the_place(name, left.tokens, other, right.tokens):
                yield name, mine, others.pop(other)
                break


def _sealed(value: object) -> str:
    """Binary data is told apart, not shown."""
    return f"({len(str(value)) * 3 // 4} bytes)" if len(str(value)) > LARGEST else str(value)


def _values(
    key: str, left: str, right: str, of: str, sides: tuple[Side, Side], rules: Rules
) -> Iterator[Disparity]:
    if left == right:
        return
    mine, theirs = leaves_of(left), leaves_of(right)
    if set(mine) == {""} or set(theirs) == {""}:
        mine, theirs = {"": left}, {"": right}
    for inner in dict.fromkeys([*mine, *theirs]):
        if mine.get(inner) == theirs.get(inner):
            continue
        path = f"{key}: {inner}" if inner else key
        yield _valued(
            Area.CONFIG, path, of, mine.get(inner, ""), theirs.get(inner, ""), sides, rules, key
        )


def _valued(
    area: Area,
    path: str,
    of: str,
    left: str,
    right: str,
    sides: tuple[Side, Side],
    rules: Rules,
    named: str = "",
    risky: bool = False,
) -> Disparity:
    one, other = sides
    rule = rules.expects(named or path, both=True)
    forbidden = rules.forbids(named or path)
    if not rule and not forbidden:
        alike = alike_but_for_the_place(left, one.tokens, right, other.tokens)
        rule = PLACE if alike else ""
    weight = Weight.RISK if risky or forbidden else Weight.INFO
    return Disparity(
        Weight.EXPECTED if rule else weight, Code.VALUE, area, path, of, left, right, rule
    )


def _lonely(
    area: Area, path: str, of: str, one: Raw, other: Raw, rules: Rules, weight: Weight
) -> Disparity:
    """Only one side has it."""
    here = path in one
    rule = rules.expects(path, both=False)
    return Disparity(
        Weight.EXPECTED if rule else weight,
        Code.ONLY_LEFT if here else Code.ONLY_RIGHT,
        area,
        path,
        of,
        "" if not here else str(one[path]),
        "" if here else str(other[path]),
        rule,
    )


def _secrets(left: Side, right: Side) -> Iterator[Disparity]:
    """By their keys, and whether the values are alike: two environments that hold one password
    share more than they should know. A key that becomes a variable is missing as one."""
    variables = {
        each.key
        for side in (left, right)
        for each in side.variables
        if each.origin is Origin.SECRET
    }
    theirs = right.belongings.secrets
    for name, mine in sorted(left.belongings.secrets.items()):
        other = theirs.get(name)
        if mine is None or other is None:
            continue
        for key in sorted({*mine, *other}):
            if key in mine and key in other:
                same = mine[key] == other[key]
                code = Code.SECRET_SAME if same else Code.SECRET_DIFFERS
                weight = Weight.INFO if same else Weight.EXPECTED
                yield Disparity(weight, code, Area.SECRET, key, of=name)
            elif key not in variables:
                code = Code.ONLY_LEFT if key in mine else Code.ONLY_RIGHT
                yield Disparity(Weight.RISK, code, Area.SECRET, key, of=name)


def _deployments(left: Side, right: Side, rules: Rules) -> Iterator[Disparity]:
    mine, theirs = left.belongings.deployment, right.belongings.deployment
    if mine is None or theirs is None:
        return
    injected = INJECTED | rules.injected
    one, other = deployment_leaves(mine, injected), deployment_leaves(theirs, injected)
    if left.belongings.autoscaler is not None or right.belongings.autoscaler is not None:
        one.pop("replicas", None)
        other.pop("replicas", None)
    yield from _versions(mine, theirs)
    yield from _leaves(Area.DEPLOYMENT, "", one, other, (left, right), rules)


def _versions(left: Raw, right: Raw) -> Iterator[Disparity]:
    """As people call them; the digests tell whether they are the same."""
    one, other = _version(left), _version(right)
    if one != other:
        yield Disparity(
            Weight.VERSION, Code.VALUE, Area.DEPLOYMENT, "version", left=one, right=other
        )


def _version(deployment: Raw) -> str:
    template = mapping(mapping(deployment.get("spec")).get("template"))
    notes = mapping(mapping(template.get("metadata")).get("annotations"))
    return str(notes.get(VERSION) or "")


_LITERAL = re.compile(r"containers\[[^\]]*\]\.env\[(?P<name>[^\]]*)\]\.(?P<what>.+)")


def _leaves(
    area: Area,
    of: str,
    one: Mapping[str, str],
    other: Mapping[str, str],
    sides: tuple[Side, Side],
    rules: Rules,
) -> Iterator[Disparity]:
    for path in dict.fromkeys([*one, *other]):
        left, right = one.get(path), other.get(path)
        if left == right:
            continue
        if path.endswith((".image.tag", ".image.digest")):
            weight = Weight.VERSION
            yield Disparity(weight, Code.VALUE, area, path, of, left or "", right or "")
        elif (literal := _LITERAL.fullmatch(path)) is not None:
            if left is not None and right is not None:
                name = literal["name"]
                yield _valued(area, path, of, left, right, sides, rules, name)
            elif literal["what"] != "name" and _is_elsewhere(literal["name"], sides):
                yield _lonely(area, path, of, one, other, rules, Weight.INFO)
        elif left is not None and right is not None:
            risky = _RISKY.search(path) is not None
            yield _valued(area, path, of, left, right, sides, rules, risky=risky)
        else:
            weight = Weight.RISK if _RISKY.search(path) else Weight.INFO
            yield _lonely(area, path, of, one, other, rules, weight)


def _is_elsewhere(name: str, sides: tuple[Side, Side]) -> bool:
    """Both sides have a variable of the name, from another source: nothing is missing."""
    return all(any(each.name == name for each in side.variables) for side in sides)


def _around(left: Side, right: Side, rules: Rules) -> Iterator[Disparity]:
    mine, theirs = left.belongings, right.belongings
    sides = (left, right)
    yield from _object(
        Area.AUTOSCALER, mine.autoscaler, theirs.autoscaler, autoscaler_leaves, sides, rules
    )
    yield from _objects(Area.SERVICE, mine.services, theirs.services, service_leaves, sides, rules)
    yield from _objects(Area.BUDGET, mine.budgets, theirs.budgets, budget_leaves, sides, rules)


def _objects(
    area: Area,
    left: tuple[Raw, ...],
    right: tuple[Raw, ...],
    leaves: Callable[[Raw], Mapping[str, str]],
    sides: tuple[Side, Side],
    rules: Rules,
) -> Iterator[Disparity]:
    if any(_UNREADABLE[area] in side.belongings.blind_to for side in sides):
        return  # not to be seen on one side: nothing is known to differ
    mine = {_name(each): each for each in left}
    theirs = {_name(each): each for each in right}
    for name in dict.fromkeys([*mine, *theirs]):
        yield from _object(area, mine.get(name), theirs.get(name), leaves, sides, rules, name)


_UNREADABLE = {Area.SERVICE: "services", Area.BUDGET: "poddisruptionbudgets.policy"}


def _object(
    area: Area,
    mine: Raw | None,
    theirs: Raw | None,
    leaves: Callable[[Raw], Mapping[str, str]],
    sides: tuple[Side, Side],
    rules: Rules,
    name: str = "",
) -> Iterator[Disparity]:
    if mine is not None and theirs is not None:
        yield from _leaves(area, name or _name(mine), leaves(mine), leaves(theirs), sides, rules)
    elif mine is not None or theirs is not None:
        code = Code.ONLY_LEFT if mine is not None else Code.ONLY_RIGHT
        of = name or _name(mine or theirs or {})
        yield Disparity(Weight.INFO, code, area, "", of=of)


def _name(obj: Raw) -> str:
    return str(mapping(obj.get("metadata")).get("name") or "")
