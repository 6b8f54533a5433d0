"""From codes and values to sentences: verdicts, exit codes, troubles, durations, times.

Plain text without Slack's markup (only `slack_date` speaks to Slack): the cards escape it, the
replay prints it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from bot.domain.verdict import Finding, Outcome, Reason, Verdict
from bot.text import Texts

MINUTE, HOUR, DAY = 60, 3_600, 86_400
_SIGNALS = 128
"""A shell's exit code for "ended by signal N" is 128 + N; Linux has 64 signals."""

_DIGEST = re.compile(r"(sha256:[0-9a-f]{4})[0-9a-f]{56}([0-9a-f]{4})")

_GET = re.compile(r"GET :([^/\s]+)(/.*)", re.DOTALL)
"""How a `Probe` writes it (bot/domain/workload.py)."""

_STYLES = {
    "time": ("{time}", "%H:%M UTC"),
    "seconds": ("{time_secs}", "%H:%M:%S UTC"),
    "date": ("{date_short_pretty} {time}", "%Y-%m-%d %H:%M UTC"),
}


def verdict_sentence(verdict: Verdict, texts: Texts, *, quoting: bool = True) -> str:
    """What the verdict says, with "2 of 3 new pods" where it rests on some of them. `quoting`:
    with the cluster's own words, where it has any to add."""
    return _sentence(*_of_verdict(verdict), texts, quoting=quoting)


def finding_sentence(finding: Finding, texts: Texts) -> str:
    """One kind of trouble, in the same words as a verdict that rests on it."""
    return _sentence(finding.reason, finding.outcome, _finding_values(finding), finding, texts)


def cluster_words(verdict: Verdict, texts: Texts) -> str:
    """The cluster's own words that the verdict's sentence quotes; "" where it quotes none."""
    reason, outcome, values, _ = _of_verdict(verdict)
    form = _form(reason, outcome, values, texts)
    quotes = form in texts and "{said}" in texts.template(form, values)
    return str(values.get("message", "")) if quotes else ""


def leading_finding(verdict: Verdict) -> Finding | None:
    """The finding that the verdict rests on: the first of its own reason."""
    return next((f for f in verdict.findings if f.reason == verdict.reason), None)


def affected(finding: Finding, texts: Texts) -> str:
    """ "2 of 3 new pods", or "" where no pod is known (none was created)."""
    if not finding.pods:
        return ""
    return texts("common.new_pods", count=finding.of or len(finding.pods), some=len(finding.pods))


def hint(reason: Reason, values: Mapping[str, object], texts: Texts) -> str:
    """What to do about it, "" where there is nothing to say."""
    return texts.say(f"hint.{reason}", values, "")


def exit_code_meaning(code: int, texts: Texts) -> str:
    """What a process that ends with this code usually means: 137 was killed, 127 not found."""
    known = f"exit_code.{code}"
    if known in texts:
        return texts(known)
    if code > _SIGNALS:
        return texts.say("exit_code.signal", {"signal": code - _SIGNALS}, "")
    return texts.say("exit_code.any", {"code": code}, "")


def trouble_sentence(port: str, trouble: str, values: Mapping[str, str], texts: Texts) -> str:
    """What an edge met: "The cluster does not answer." """
    edge = texts.say(f"trouble.port.{port}", {}, port)
    every = {"port": edge, "message": "", **values}
    special = (f"trouble.{port}.{code}" for code in (values.get("code", ""), trouble))
    key = next((each for each in special if each in texts), f"trouble.code.{trouble}")
    sentence = texts.say(key, every, texts("trouble.code.UNEXPECTED", **every))
    return sentence[:1].upper() + sentence[1:]


def trouble_fix(port: str, trouble: str, texts: Texts) -> str:
    """What to do about it: the key in `bot/text`."""
    keys = (f"trouble.fix.{port}_{trouble}", f"trouble.fix.{trouble}", "trouble.fix.UNEXPECTED")
    return next(key for key in keys if key in texts)


def duration(seconds: float, texts: Texts) -> str:
    """The two leading units: "14 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return texts("common.duration.seconds", seconds=whole)
    if whole < HOUR:
        return _two("minutes", "seconds", whole // MINUTE, whole % MINUTE, texts)
    if whole < DAY:
        return _two("hours", "minutes", whole // HOUR, whole % HOUR // MINUTE, texts)
    return _two("days", "hours", whole // DAY, whole % DAY // HOUR, texts)


def age(seconds: float, texts: Texts) -> str:
    """One unit, for tables: "45 s", "12 min", "5 h", "3 d"."""
    whole = max(0, int(seconds))
    for unit, length in (("days", DAY), ("hours", HOUR), ("minutes", MINUTE)):
        if whole >= length:
            return texts(f"common.duration.{unit}", **{unit: whole // length})
    return texts("common.duration.seconds", seconds=whole)


def slack_date(when: datetime, style: str = "time") -> str:
    """Slack's own token for a time (each reader sees their zone), with UTC as the fallback."""
    token, fallback = _STYLES[style]
    moment = when.astimezone(UTC)
    return f"<!date^{int(moment.timestamp())}^{token}|{moment.strftime(fallback)}>"


def listing(items: list[str], texts: Texts) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return texts("common.and", first=", ".join(items[:-1]), last=items[-1])


def _two(large: str, small: str, first: int, second: int, texts: Texts) -> str:
    leading = texts(f"common.duration.{large}", **{large: first})
    if not second:
        return leading
    return f"{leading} {texts(f'common.duration.{small}', **{small: second})}"


def _of_verdict(
    verdict: Verdict,
) -> tuple[Reason, Outcome, dict[str, object], Finding | None]:
    leading = leading_finding(verdict)
    found = _finding_values(leading) if leading is not None else {}
    return verdict.reason, verdict.outcome, {**found, **verdict.values}, leading


def _finding_values(finding: Finding) -> dict[str, object]:
    values: dict[str, object] = {
        "container": finding.container,
        "restarts": finding.restarts,
        "message": finding.message,
        "pod": finding.pods[0] if finding.pods else "",
        "pods": len(finding.pods),
        "of": finding.of,
        "count": len(finding.pods),
    }
    if finding.exit_code is not None:
        values["exit_code"] = finding.exit_code
    return {**values, **finding.values}


def _sentence(
    reason: Reason,
    outcome: Outcome,
    values: Mapping[str, object],
    finding: Finding | None,
    texts: Texts,
    *,
    quoting: bool = True,
) -> str:
    words = str(values.get("message", "")).strip().rstrip(".") if quoting else ""
    derived: dict[str, object] = {
        "said": f": {words}" if words else ".",
        **_where(finding, texts),
        "count": values.get("old" if reason is Reason.OLD_PODS else "desired", 0),
    }
    code = values.get("exit_code")
    if isinstance(code, int):
        derived["meaning"] = exit_code_meaning(code, texts)
    said = texts.say(
        _form(reason, outcome, values, texts),
        {**derived, **values, **_probe(values, texts)},
        str(reason),
    )
    return _DIGEST.sub(r"\1…\2", said)  # sixty-four digits say no more than eight


def _probe(values: Mapping[str, object], texts: Texts) -> dict[str, object]:
    """What a probe asks for, as people say it: "GET /healthz on port http"."""
    asked = _GET.fullmatch(str(values.get("probe", "")))
    return {"probe": texts("common.probe", path=asked[2], port=asked[1])} if asked else {}


def _where(finding: Finding | None, texts: Texts) -> dict[str, object]:
    """The affected pods as a subject, as a place and as whom it is for; "" where none is known."""
    some = affected(finding, texts) if finding is not None else ""
    return {
        "affected": some,
        "in_pods": texts("common.pods.in", affected=some) if some else "",
        "for_pods": texts("common.pods.for", affected=some) if some else "",
    }


def _form(reason: Reason, outcome: Outcome, values: Mapping[str, object], texts: Texts) -> str:
    """The key of the sentence: a reason with several forms has one for the value `variant`, or
    one for each outcome."""
    stem = f"verdict.{reason}"
    for form in (values.get("variant"), outcome.value, "fail"):
        if f"{stem}.{form}" in texts.entries:
            return f"{stem}.{form}"
    if stem in texts:
        return stem
    return next((key for key in texts.entries if key.startswith(f"{stem}.")), stem)
