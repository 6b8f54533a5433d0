"""Policies as people see them: the private answer to `check`, the lines of a gate, and the reply in
a rollout's thread. Each has a sign and a word, the evidence, and what would help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, section
from bot.cards.card import Card
from bot.cards.mrkdwn import Mrkdwn, code, cut_mrkdwn, escape, join, plain, say, say_plain
from bot.domain.policy import worst_first
from bot.domain.policy.finding import Evidence, PolicyFinding, Standing
from bot.text import Texts

SUMMARY = 150
EVIDENCE = 6
_NAME = 60
_AS_CODE = frozenset({"name", "value", "what", "left_value", "right_value", "instance", "line"})


def check_card(
    findings: Sequence[PolicyFinding],
    *,
    service: str,
    environment: str,
    environment_title: str,
    pair: tuple[str, str] | None,
    texts: Texts,
) -> Card:
    """`pair`: the environments whose parity is promised, in pipeline order."""
    ordered = worst_first(findings)
    kept = sum(each.standing is Standing.KEPT for each in ordered)
    of = sum(each.standing is not Standing.EXEMPT for each in ordered)
    state, sign = _state(ordered)
    names = {
        "service": plain(service, _NAME),
        "environment": plain(environment_title, _NAME),
        "kept": kept,
        "of": of,
        "count": of,
    }
    parts = [
        Part(header(say_plain(texts, "check.title", 150, sign=sign, **names))),
        Part(section(say(texts, f"check.state_{state}", **names))),
        *whole_parts(ordered, service=service, environment=environment, pair=pair, texts=texts),
        Part(context(code(buttons.typed(f"check {service} {environment}"), 300)), spare=1),
    ]
    row = [buttons.run(f"check {service} {environment}", texts("button.check_again"))]
    if pair is not None:
        label = say_plain(texts, "button.compare", 75, left=pair[0], right=pair[1])
        row.append(buttons.run(f"diff {service} {pair[0]} {pair[1]}", label, place=2))
    parts.append(Part(actions(*(block for block in row if block is not None))))
    summary = say(texts, "check.text", **names)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def broken_card(
    findings: Sequence[PolicyFinding],
    *,
    service: str,
    environment: str,
    environment_title: str,
    pair: tuple[str, str] | None,
    texts: Texts,
) -> Card:
    """The reply in the thread of a rollout after which a policy is not kept."""
    title = say(texts, "check.after", sign=signs.WARNING, environment=plain(environment_title, 60))
    parts = [
        Part(section(Mrkdwn(f"*{title}*"))),
        *whole_parts(
            [each for each in findings if each.standing is Standing.BROKEN],
            service=service,
            environment=environment,
            pair=pair,
            texts=texts,
        ),
    ]
    again = buttons.run(f"check {service} {environment}", texts("button.check_again"))
    if again is not None:
        parts.append(Part(actions(again)))
    return fit(cut_mrkdwn(title, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def finding_lines(findings: Sequence[PolicyFinding], texts: Texts) -> Mrkdwn:
    """Short, for a gate: a line for each, with its first pieces of evidence in it."""
    lines = [
        say(
            texts,
            "policy.short",
            sign=_sign(each),
            title=_title(each, texts),
            found=_briefly(each, texts),
        )
        for each in findings
    ]
    return join(lines, "\n")


def verified_lines(findings: Sequence[PolicyFinding], texts: Texts) -> list[Mrkdwn]:
    """For a summary: a line for each that is not kept, or not known to be, the worst first."""
    return [
        say(
            texts,
            "policy.verified",
            sign=_sign(each),
            title=_title(each, texts),
            word=texts(f"policy.verified_word.{each.standing.value}"),
            found=_briefly(each, texts),
        )
        for each in worst_first(findings)
        if each.standing in (Standing.BROKEN, Standing.UNKNOWN)
    ]


def _briefly(finding: PolicyFinding, texts: Texts) -> Mrkdwn:
    """What was found, with its first pieces of evidence in it; whole where there is no short way to
    say it."""
    shown = [_proof(piece, texts) for piece in finding.evidence[:3]]
    if len(finding.evidence) > 3:
        shown.append(say(texts, "policy.more", count=len(finding.evidence) - 3))
    values = {**_shown(finding.values, texts), "evidence": join(shown, ", ")}
    brief = f"policy.brief.{finding.code}"
    key = brief if brief in texts else f"policy.found.{finding.code}"
    return Mrkdwn(texts.say(key, values, escape(finding.code)))


def whole_parts(
    findings: Sequence[PolicyFinding],
    *,
    service: str,
    environment: str,
    pair: tuple[str, str] | None,
    texts: Texts,
    spare: int = 0,
) -> list[Part]:
    """Each with its evidence and with what would help, the worst first."""
    return [
        Part(
            section(
                _whole(each, texts, service=service, environment=environment, pair=pair),
                limit=2_500,
            ),
            spare=spare,
        )
        for each in worst_first(findings)
    ]


def _whole(
    finding: PolicyFinding,
    texts: Texts,
    *,
    service: str,
    environment: str,
    pair: tuple[str, str] | None,
) -> Mrkdwn:
    values = _shown(finding.values, texts)
    found = texts.say(f"policy.found.{finding.code}", values, escape(finding.code))
    lines = [
        say(
            texts,
            "policy.line",
            sign=_sign(finding),
            title=_title(finding, texts),
            word=texts(f"policy.word.{_word(finding)}"),
            found=Mrkdwn(found),
        )
    ]
    lines += [
        say(texts, "policy.evidence", evidence=_proof(piece, texts))
        for piece in finding.evidence[:EVIDENCE]
    ]
    if len(finding.evidence) > EVIDENCE:
        lines.append(say(texts, "policy.more", count=len(finding.evidence) - EVIDENCE))
    if finding.standing in (Standing.BROKEN, Standing.UNKNOWN):
        left, right = pair or (environment, environment)
        helps = {
            **values,
            "config": code(buttons.typed(f"config {service} {environment}")),
            "diff": code(buttons.typed(f"diff {service} {left} {right}")),
        }
        fix = texts.say(f"policy.fix.{finding.code}", helps, "")
        lines.append(Mrkdwn(f"_→_ {fix}" if fix else ""))
    return join(lines, "\n")


def _state(findings: Sequence[PolicyFinding]) -> tuple[str, str]:
    if any(each.blocks for each in findings):
        return "blocks", signs.BAD
    if any(each.warns for each in findings):
        return "warns", signs.WARNING
    if any(each.standing is Standing.UNKNOWN for each in findings):
        return "unknown", signs.OPEN
    return "well", signs.OK


def _word(finding: PolicyFinding) -> str:
    if finding.standing is Standing.BROKEN:
        return "BLOCKS" if finding.blocks else "WARNS"
    return finding.standing.value


def _sign(finding: PolicyFinding) -> str:
    return {
        Standing.KEPT: signs.OK,
        Standing.UNKNOWN: signs.OPEN,
        Standing.EXEMPT: signs.SKIPPED,
    }.get(finding.standing, signs.BAD if finding.blocks else signs.WARNING)


def _title(finding: PolicyFinding, texts: Texts) -> str:
    return texts(f"policy.title.{finding.policy}")


def _proof(piece: Evidence, texts: Texts) -> Mrkdwn:
    return Mrkdwn(
        texts.say(f"policy.proof.{piece.code}", _shown(piece.values, texts), escape(piece.code))
    )


def _shown(values: Mapping[str, object], texts: Texts) -> dict[str, object]:
    """Foreign words escaped, names and values as code, codes as words."""
    shown: dict[str, object] = {
        name: (code(value, 120) if name in _AS_CODE else escape(value, 200))
        if isinstance(value, str)
        else value
        for name, value in values.items()
    }
    if "path" in values:
        shown["what"] = what_differs(values, texts)
    if "source" in values:
        source = str(values["source"])
        key = f"policy.source.{'config' if source else 'template'}"
        shown["source"] = say(texts, key, source=source)
    if "why" in values:
        why = str(values["why"])
        shown["why"] = Mrkdwn(texts.say(f"policy.why.{why}", {}, escape(why, 200)))
    for side in ("left_value", "right_value"):
        if side in values and not values[side]:
            shown[side] = escape(texts("compare.nothing"))
    return shown


def what_differs(values: Mapping[str, object], texts: Texts) -> Mrkdwn:
    """ "`FEATURE_X` of ConfigMap tasks-service-config", "ConfigMap tasks-config"."""
    path, of = str(values.get("path", "")), str(values.get("of", ""))
    area = str(values.get("area", ""))
    named = Mrkdwn(texts.say(f"compare.area.{area}", {"of": escape(of, 80)}, escape(of, 80)))
    if not path:
        return named
    shown = code(path, 120)
    if not of or area == "VARIABLE":
        return shown
    return say(texts, "compare.of", path=shown, of=named)
