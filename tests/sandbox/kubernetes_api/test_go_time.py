"""Times as Go reads them: time/format.go (Parse), apis/meta/v1 (Time, MicroTime)."""

from __future__ import annotations

import pytest

from bot.sandbox.kubernetes.go_time import MICROSECONDS, SECONDS, TimeError, canonical

TIME = "2026-11-24T01:00:00"


@pytest.mark.parametrize(
    ("text", "layout", "shown"),
    [
        (f"{TIME}Z", SECONDS, f"{TIME}Z"),
        (f"{TIME}.9Z", SECONDS, f"{TIME}Z"),
        (f"{TIME}+01:30", SECONDS, "2026-11-23T23:30:00Z"),
        (f"{TIME}-00:30", SECONDS, "2026-11-24T01:30:00Z"),
        (f"{TIME}.123456Z", MICROSECONDS, f"{TIME}.123456Z"),
    ],
)
def test_what_is_a_time(text: str, layout: str, shown: str) -> None:
    assert canonical(text, layout) == shown


@pytest.mark.parametrize(
    ("text", "layout", "complaint"),
    [
        ("", SECONDS, 'cannot parse "" as "2006"'),
        ("yesterday", SECONDS, 'cannot parse "yesterday" as "2006"'),
        ("2026-11-24", SECONDS, 'cannot parse "" as "T"'),
        (TIME, SECONDS, 'cannot parse "" as "Z07:00"'),
        (f"{TIME}Z", MICROSECONDS, 'cannot parse "Z" as ".000000"'),
        ("2026-13-24T01:00:00Z", SECONDS, "month out of range"),
        ("2026-02-30T01:00:00Z", SECONDS, "day out of range"),
        ("2026-11-24T24:00:00Z", SECONDS, "hour out of range"),
        (f"{TIME}Zulu", SECONDS, 'extra text: "ulu"'),
    ],
)
def test_what_is_none(text: str, layout: str, complaint: str) -> None:
    of_layout = f' as "{layout}"' if complaint.startswith("cannot") else ""
    with pytest.raises(TimeError) as refused:
        canonical(text, layout)
    assert str(refused.value) == f'parsing time "{text}"{of_layout}: {complaint}'
