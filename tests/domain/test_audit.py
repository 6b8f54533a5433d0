"""The chain: what it finds when somebody was at the log, and what it keeps out of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.audit import (
    GENESIS,
    AuditEntry,
    AuditRecord,
    Broken,
    Flaw,
    Head,
    canonical,
    chained,
    hash_of,
    place_of,
    record_of,
    subject_of,
    verify,
)
from bot.domain.redaction import MASK

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def an_entry(number: int = 1, **changes: object) -> AuditEntry:
    entry = AuditEntry(
        at=AT + timedelta(seconds=number),
        actor="U0ANA00000",
        surface="slash",
        action="lock",
        subject=subject_of("tasks-service", "qa"),
        after={"reason": f"reason {number}"},
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


def a_log(length: int) -> list[AuditRecord]:
    log: list[AuditRecord] = []
    for number in range(1, length + 1):
        head = Head(log[-1].number, log[-1].hash) if log else Head()
        log.append(chained(an_entry(number), head))
    return log


def head_of(log: list[AuditRecord]) -> Head:
    return Head(log[-1].number, log[-1].hash) if log else Head()


def broken(log: list[AuditRecord], head: Head | None = None, *noted: Head) -> list[Broken]:
    return [flaw.broken for flaw in verify(log, head, noted).flaws]


def rehashed(record: AuditRecord, **changes: object) -> AuditRecord:
    """As somebody would who knows how the hash is made."""
    body = canonical({**_content(record), **changes})
    return AuditRecord(record.number, body, hash_of(body))


def _content(record: AuditRecord) -> dict[str, object]:
    return dict(json.loads(record.body))


def test_a_log_that_nobody_touched_is_whole() -> None:
    log = a_log(5)
    assert verify(log, head_of(log)).flaws == ()
    assert verify(log, head_of(log)).head == head_of(log)
    assert log[0].entry.after == {"reason": "reason 1"}
    assert _content(log[0])["previous"] == GENESIS


def test_an_empty_log_is_whole() -> None:
    assert verify([], Head()).flaws == ()


@given(st.integers(1, 12), st.data())
def test_an_edited_record_is_found_where_it_is(length: int, data: st.DataObject) -> None:
    log = a_log(length)
    place = data.draw(st.integers(0, length - 1))
    body = log[place].body
    at = data.draw(st.integers(0, len(body) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda c: c != body[at]))
    log[place] = replace(log[place], body=body[:at] + letter + body[at + 1 :])
    flaws = verify(log, head_of(log)).flaws
    assert Flaw(place + 1, Broken.EDITED) in flaws


@given(st.integers(2, 12), st.data())
def test_an_edited_record_with_a_new_hash_breaks_the_link_after_it(
    length: int, data: st.DataObject
) -> None:
    log = a_log(length)
    place = data.draw(st.integers(0, length - 1))
    end = head_of(log)
    log[place] = rehashed(log[place], actor="U0EVE00000")
    flaws = verify(log, end).flaws
    last = place == length - 1
    assert flaws == (
        (Flaw(length, Broken.OTHER_HEAD),) if last else (Flaw(place + 2, Broken.UNLINKED),)
    )


@given(st.integers(1, 12), st.data())
def test_removed_records_are_found(length: int, data: st.DataObject) -> None:
    log = a_log(length)
    gone = data.draw(st.sets(st.integers(0, length - 1), min_size=1))
    left = [record for place, record in enumerate(log) if place not in gone]
    flaws = verify(left, head_of(log)).flaws
    first = min(gone) + 1
    tail = all(place in gone for place in range(first - 1, length))
    assert flaws[0] == Flaw(first, Broken.TRUNCATED if tail else Broken.MISSING)


@given(st.integers(2, 10), st.data())
def test_reordered_records_are_found(length: int, data: st.DataObject) -> None:
    log = a_log(length)
    mixed = data.draw(st.permutations(log).filter(lambda other: other != log))
    assert verify(mixed, head_of(log)).flaws


@given(st.integers(2, 10), st.data())
def test_records_that_changed_places_and_numbers_are_found(
    length: int, data: st.DataObject
) -> None:
    """Swapped in the table, each under the other's number."""
    log = a_log(length)
    one = data.draw(st.integers(0, length - 2))
    log[one], log[one + 1] = (
        replace(log[one + 1], number=one + 1),
        replace(log[one], number=one + 2),
    )
    flaws = verify(log, head_of(log)).flaws
    assert Flaw(one + 1, Broken.OUT_OF_PLACE) in flaws


def test_a_repeated_record_is_found() -> None:
    log = a_log(3)
    assert Broken.OUT_OF_PLACE in broken([*log, log[2]], head_of(log))


def test_a_tail_that_was_cut_off_is_seen_by_the_head_alone() -> None:
    log = a_log(4)
    assert broken(log[:2], head_of(log)) == [Broken.TRUNCATED]
    assert broken(log[:2], head_of(log[:2])) == []  # head and log cut alike: a chain cannot tell


def test_records_beside_the_head_are_seen() -> None:
    log = a_log(4)
    assert broken(log, head_of(log[:3])) == [Broken.BEYOND_HEAD]


def test_a_log_rewritten_as_a_whole_is_seen_by_a_head_that_was_noted_elsewhere() -> None:
    log = a_log(4)
    noted = head_of(log[:3])
    forged: list[AuditRecord] = []
    for number in range(1, 5):
        forged.append(chained(an_entry(number, actor="U0EVE00000"), head_of(forged)))
    assert broken(forged, head_of(forged)) == []
    assert broken(forged, head_of(forged), noted) == [Broken.OTHER_WITNESS]
    assert broken(log, head_of(log), noted) == []
    assert broken(log[:2], head_of(log[:2]), noted) == [Broken.TRUNCATED]


def test_an_export_reads_back_to_the_same_records() -> None:
    log = a_log(3)
    assert [record_of(record.line) for record in log] == log
    assert broken([record_of(record.line) for record in log]) == []


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"hash": "x"}', '{"hash": "x", "number": null}'])
def test_what_is_no_record_is_said_to_be_none(line: str) -> None:
    with pytest.raises(ValueError):
        record_of(line)


class Word(StrEnum):
    A = "A"


def test_values_become_what_json_can_say() -> None:
    zone = timezone(timedelta(hours=2))
    entry = an_entry(
        after={
            "when": datetime(2026, 11, 24, 14, 0, tzinfo=zone),
            "word": Word.A,
            "many": (1, "two", None, {"three": True}),
            "odd": object,
        }
    )
    after = chained(entry, Head()).entry.after
    assert after["when"] == "2026-11-24T12:00:00+00:00"
    assert after["word"] == "A"
    assert after["many"] == [1, "two", None, {"three": True}]
    assert isinstance(after["odd"], str)


def test_no_secret_and_no_novel_gets_into_the_log() -> None:
    entry = an_entry(
        after={"reason": "see xoxb-1234567890-abcdef", "list": ["DB_PASSWORD=hunter2hunter2"]},
        before={"reason": "x" * 10_000},
    )
    record = chained(entry, Head())
    assert MASK in record.body
    assert "xoxb-1234567890" not in record.body
    assert "hunter2" not in record.body
    assert len(record.entry.before["reason"]) == 2_000


def test_lone_surrogates_do_not_stop_the_log() -> None:
    record = chained(an_entry(after={"reason": "\ud800"}), Head())
    assert verify([record], head_of([record])).flaws == ()
    assert record_of(record.line) == record


@given(st.text(max_size=50), st.floats(allow_nan=True, allow_infinity=True))
def test_any_text_and_any_number_can_be_recorded(text: str, number: float) -> None:
    record = chained(an_entry(after={"text": text, "number": number}, actor=text), Head())
    assert verify([record], head_of([record])).flaws == ()


def test_subjects_name_a_service_an_environment_or_both() -> None:
    for place in (("tasks-service", "qa"), ("", "qa"), ("tasks-service", ""), ("", "")):
        assert place_of(subject_of(*place)) == place
