"""What a reading is called, what its result is called, and the sentence that explains it.

Names and codes come from the looks (`bot/workflows/looks`); their words are in `bot/text` under
`reading`. One that has no words yet is said by its figures alone: nothing is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.cards import signs
from bot.cards.figures import change, digits, figure, probability
from bot.cards.mrkdwn import Mrkdwn, escape, plain
from bot.domain.analysis import Reading, Result, Unit
from bot.domain.verdict import Value
from bot.text import Texts

SIGNS: Mapping[Result, str] = {
    Result.PASS: signs.OK,
    Result.WARN: signs.WARNING,
    Result.FAIL: signs.BAD,
    Result.INCONCLUSIVE: signs.UNKNOWN,
}
_IN_ITS_UNIT = frozenset({"threshold", "limit", "slo", "before", "after", "difference", "floor"})
_PROBABILITIES = frozenset({"p", "p_value"})
_SUBJECT = 60


def label_of(reading: Reading, texts: Texts) -> str:
    """ "errors", "p95", "auth-service", "GET /tasks"."""
    subject = plain(reading.subject, _SUBJECT)
    values = {**_spoken(reading, texts), "subject": subject}
    key = f"reading.name.{reading.name}"
    if subject and f"{key}_OF" in texts:
        key = f"{key}_OF"
    otherwise = reading.name.replace("_", " ").lower()
    return texts.say(key, values, f"{otherwise} {subject}".strip())


def sentence_of(reading: Reading, texts: Texts) -> Mrkdwn:
    """What was found, with its evidence; escaped."""
    spoken = _spoken(reading, texts)
    values = {name: escape(said, 500) for name, said in spoken.items()}
    if isinstance(count := reading.values.get("count"), int):
        values["count"] = count  # type: ignore[assignment]  # chooses the plural
    key = f"reading.code.{reading.code}"
    if key not in texts:
        key = f"reading.any.{reading.result.value}"
    return Mrkdwn(texts.say(key, values, str(reading.code)))


def verdict_of(reading: Reading, texts: Texts) -> str:
    """A sign and a word, and in short what it rests on: "❌ worse · p < 0.001"."""
    word = f"{SIGNS[reading.result]} {texts(f'reading.verdict.{reading.result.value}')}"
    found = next((reading.values[name] for name in _PROBABILITIES if name in reading.values), None)
    if reading.result in (Result.FAIL, Result.WARN) and isinstance(found, float):
        return f"{word} · {probability(found, texts)}"
    return word


def _spoken(reading: Reading, texts: Texts) -> dict[str, str]:
    """Every value as text: in the reading's unit where it is a measure of the same thing."""
    spoken = {name: _value(name, value, reading.unit, texts) for name, value in _values(reading)}
    if reading.before is not None or reading.after is not None:
        spoken["before"] = figure(reading.before, reading.unit, texts)
        spoken["after"] = figure(reading.after, reading.unit, texts)
    spoken["change"] = change(reading.before, reading.after, texts)
    spoken["subject"] = plain(reading.subject, 200)
    return spoken


def _values(reading: Reading) -> list[tuple[str, Value]]:
    return list(reading.values.items())


def _value(name: str, value: Value, unit: Unit, texts: Texts) -> str:
    if isinstance(value, str):
        return texts.say(f"reading.why.{value}", {}, value) if name == "message" else value
    if name in _PROBABILITIES:
        return probability(float(value), texts)
    if name in _IN_ITS_UNIT:
        return figure(float(value), unit, texts)
    return digits(float(value), texts)
