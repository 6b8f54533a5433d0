"""What differs, as people read it: what can break a deploy first, what is expected last.

Private answers to `diff`. Values are masked by their looks and by their names, and cut; those of
Secrets are not here at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, section
from bot.cards.card import Card
from bot.cards.configuration import change_lines
from bot.cards.mrkdwn import (
    Mrkdwn,
    code,
    cut_mrkdwn,
    escape,
    join,
    moment,
    plain,
    say,
    say_plain,
)
from bot.cards.policy import what_differs
from bot.cards.refusal import gate_parts
from bot.domain.belongings import Unread
from bot.domain.comparison import PLACE, Code, Disparity, Weight
from bot.domain.configuration import ObjectPlan
from bot.domain.drift import Difference
from bot.domain.gate import GateResult
from bot.domain.image import Image
from bot.domain.policy.parity import masked
from bot.domain.rollout import Running
from bot.text import Texts

SUMMARY = 150
SHOWN: Mapping[Weight, int] = {
    Weight.RISK: 30,
    Weight.VERSION: 8,
    Weight.INFO: 16,
    Weight.EXPECTED: 8,
}
"""Lines of each weight on a card; the rest is counted."""
_DIFFERENCES = 24
_NAME = 60
_BEHIND = 6  # versions that are named
_TOGETHER = 8  # lines of one section
_SIGNS = {
    Weight.RISK: signs.BAD,
    Weight.VERSION: signs.LIST,
    Weight.INFO: "ℹ️",
    Weight.EXPECTED: signs.OK,
}
_SPARE = {Weight.RISK: 0, Weight.VERSION: 1, Weight.INFO: 2, Weight.EXPECTED: 3}


def compared_card(
    disparities: Sequence[Disparity],
    *,
    service: str,
    names: tuple[str, str],
    titles: tuple[str, str],
    unread: Sequence[Unread],
    at: datetime,
    texts: Texts,
    behind: Sequence[str] | None = None,
) -> Card:
    """`names` and `titles` of the two environments, in pipeline order. `behind`: the releases that
    the second has not seen yet; None where nobody can count them."""
    of = {
        "service": plain(service, _NAME),
        "left": plain(titles[0], _NAME),
        "right": plain(titles[1], _NAME),
    }
    counts = {w: sum(each.weight is w for each in disparities) for w in Weight}
    same = not any(counts[w] for w in Weight if w is not Weight.EXPECTED)
    sign = signs.BAD if counts[Weight.RISK] else signs.OK if same else "ℹ️"
    suffix = "_same" if same else ""
    said = {
        key: Mrkdwn(texts(f"compare.count.{weight}", count=counts[weight]))
        for key, weight in (
            ("risks", Weight.RISK),
            ("versions", Weight.VERSION),
            ("infos", Weight.INFO),
            ("expected", Weight.EXPECTED),
        )
    }
    parts = [
        Part(header(say_plain(texts, f"compare.title{suffix}", 150, sign=sign, **of))),
        Part(section(say(texts, f"compare.state{suffix}", **said))),
    ]
    if behind:
        versions = join([escape(version, _NAME) for version in behind[-_BEHIND:]], ", ")
        key = "compare.behind" if len(behind) <= _BEHIND else "compare.behind_many"
        line = say(texts, key, count=len(behind), versions=versions, **of)
        parts.append(Part(section(line)))
    for weight in Weight:
        group = [each for each in disparities if each.weight is weight]
        parts += _group(weight, group, titles, texts)
    if any(each.code in (Code.ONLY_LEFT, Code.ONLY_RIGHT) for each in disparities[:1]):
        lacking = names[1] if disparities[0].code is Code.ONLY_LEFT else names[0]
        line = code(buttons.typed(f"config {service} {lacking}"), 300)
        parts.append(Part(context(say(texts, "compare.hint", config=line)), spare=1))
    notes = [_unread(each, texts) for each in unread]
    notes.append(say(texts, "compare.read", at=moment(at, "seconds")))
    parts.append(Part(context(*notes), spare=1))
    count = counts[Weight.RISK]
    summary = say(texts, f"compare.summary{suffix}", count=count, **of)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def _group(
    weight: Weight, group: Sequence[Disparity], titles: tuple[str, str], texts: Texts
) -> list[Part]:
    if not group:
        return []
    most = SHOWN[weight]
    lines = [say(texts, f"compare.heading.{weight}", sign=_SIGNS[weight])]
    lines += [_line(each, titles, texts) for each in group[:most]]
    if len(group) > most:
        lines.append(say(texts, "compare.more", count=len(group) - most))
    return _sections(lines, _SPARE[weight])


def _sections(lines: Sequence[Mrkdwn], spare: int) -> list[Part]:
    return [
        Part(section(join(list(lines[start : start + _TOGETHER]), "\n")), spare=spare)
        for start in range(0, len(lines), _TOGETHER)
    ]


def _line(each: Disparity, titles: tuple[str, str], texts: Texts) -> Mrkdwn:
    values = {"path": each.path, "of": each.of, "area": each.area.value}
    what = what_differs(values, texts)
    if each.code is Code.SECRET_SAME:
        return say(texts, "compare.same_secret", what=what)
    if each.code is Code.SECRET_DIFFERS:
        return say(texts, "compare.hashed", what=what)
    if each.code is Code.VALUE:
        left, right = (_value(each, value, texts) for value in (each.left, each.right))
        line = say(texts, "compare.value", what=what, left=left, right=right)
    else:
        where = titles[0] if each.code is Code.ONLY_LEFT else titles[1]
        line = say(texts, "compare.only", what=what, where=plain(where, _NAME))
    if not each.rule:
        return line
    rule = escape(texts("compare.place")) if each.rule == PLACE else code(each.rule, 60)
    return Mrkdwn(line + say(texts, "compare.rule", rule=rule))


def _value(each: Disparity, value: str, texts: Texts) -> Mrkdwn:
    if not value:
        return Mrkdwn(f"_{texts('compare.nothing')}_")
    if each.path.endswith(".image.digest"):
        return code(Image("", "", value).short_digest)
    name = each.path.partition(":")[0]
    return code(masked(f"[{name}]" if each.area == "CONFIG" else each.path, value), 80)


def _unread(each: Unread, texts: Texts) -> Mrkdwn:
    values = {"verb": each.verb, "resource": each.resource, "namespace": each.namespace}
    return say(texts, "compare.unread", sign=signs.WARNING, **values)


# --- what a deploy would change ----------------------------------------------------------------


def foreseen_card(
    gates: Sequence[GateResult],
    differences: Sequence[Difference],
    configs: Sequence[ObjectPlan] | None,
    *,
    service: str,
    environment: str,
    environment_title: str,
    version: str,
    image: Image,
    before: Running | None,
    texts: Texts,
) -> Card:
    same_image = before is not None and before.digest == image.digest
    pending = [each for each in configs or () if each.changes or not each.seen]
    same = same_image and not differences and not pending
    of = {
        "service": plain(service, _NAME),
        "environment": plain(environment_title, _NAME),
        "version": plain(version, _NAME),
    }
    title = f"diff.title{'_same' if same else ''}"
    sign = signs.OK if same else signs.LIST
    closed = [gate for gate in gates if not gate.ok]
    parts = [
        Part(header(say_plain(texts, title, 150, sign=sign, **of))),
        Part(section(say(texts, "diff.state"))),
        Part(section(_image_line(before, image, version, texts))),
        *_sections(_difference_lines(differences, texts), 1),
        *_config_parts(configs, pending, service, environment, texts),
        *([Part(section(say(texts, "diff.state_gates")))] if closed else []),
        *gate_parts([gate for gate in gates if not gate.ok or gate.warns], texts),
    ]
    row = []
    if not same_image or differences:
        label = say_plain(texts, "button.go_diff", 75, version=version)
        row.append(buttons.run(f"deploy {service} {environment} {version}", label))
    if pending:
        line = f"config {service} {environment}"
        row.append(buttons.run(line, texts("button.show_config"), place=2))
    shown = [block for block in row if block is not None]
    if shown:
        parts.append(Part(actions(*shown)))
    summary = say(texts, "diff.text", **of)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def _image_line(before: Running | None, image: Image, version: str, texts: Texts) -> Mrkdwn:
    values: dict[str, object] = {
        "version": escape(version, 60),
        "digest": code(image.short_digest),
        "before": escape(before.version, 60) if before else "",
    }
    if before is None:
        return say(texts, "diff.image_first", **values)
    key = "image_same" if before.digest == image.digest else "image"
    return say(texts, f"diff.{key}", **values)


def _difference_lines(differences: Sequence[Difference], texts: Texts) -> list[Mrkdwn]:
    if not differences:
        return [Mrkdwn(texts("promote.drift.none"))]
    lines = [Mrkdwn(f"*{say(texts, 'promote.drift.title', count=len(differences))}*")]
    for each in differences[:_DIFFERENCES]:
        values = {
            "path": code(each.path, 120),
            "before": code(each.before, 60) or texts("promote.drift.nothing"),
            "after": code(each.after, 60) or texts("promote.drift.nothing"),
        }
        lines.append(say(texts, "promote.drift.line", **values))
    if len(differences) > _DIFFERENCES:
        lines.append(say(texts, "promote.more", count=len(differences) - _DIFFERENCES))
    return lines


def _config_parts(
    configs: Sequence[ObjectPlan] | None,
    pending: Sequence[ObjectPlan],
    service: str,
    environment: str,
    texts: Texts,
) -> list[Part]:
    if not configs:
        return [Part(context(say(texts, "diff.config_none")), spare=2)]
    if not pending:
        return [Part(context(say(texts, "diff.config_same")), spare=2)]
    lines = [say(texts, "diff.config")]
    for each in pending:
        lines += change_lines(each.changes, 12, texts)
    line = code(buttons.typed(f"config {service} {environment}"), 300)
    lines.append(say(texts, "diff.apply", config=line))
    return _sections(lines, 1)
