"""Windows and freezes of `dynamo.yml` as values; also as the sample shows them, commented out."""

import re
from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import pytest

from config.catalog import Catalog, Freeze, Window, load_catalog
from config.times import parse_days


def test_the_sample_makes_changes_at_any_hour(sample: Catalog) -> None:
    """Whoever tries it at night is not turned away."""
    assert [(item.windows, item.freezes) for item in sample.environments] == [((), ())] * 3
    assert {item.time_zone for item in sample.environments} == {"UTC"}


def test_what_the_sample_shows_in_comments_works_once_it_is_uncommented(
    sample_path: Path, tmp_path: Path
) -> None:
    lines = sample_path.read_text("utf-8").splitlines()
    begin = next(n for n, line in enumerate(lines) if "# time_zone: Europe/Madrid" in line)
    end = next(n for n in range(begin, len(lines)) if not lines[n].lstrip().startswith("#"))
    shown = [re.sub(r"^(    )# ", r"\1", line) for line in lines[begin:end]]
    path = tmp_path / "dynamo.yml"
    path.write_text("\n".join([*lines[:begin], *shown, *lines[end:]]), "utf-8")
    prod = load_catalog(path).environment("prod")
    assert prod.time_zone == "Europe/Madrid"
    assert prod.windows == (
        Window((0, 1, 2, 3), time(9), time(17)),
        Window((4,), time(9), time(12)),
    )
    assert prod.freezes == (Freeze(date(2026, 12, 21), date(2027, 1, 6), "end of the year"),)


def test_the_end_of_a_day_is_its_midnight(changed: Callable[..., Path]) -> None:
    window = "\n    windows: [{ days: [sat, sun], from: '00:00', to: '24:00' }]"
    path = changed(("    confirm: true", f"    confirm: true{window}"))
    assert load_catalog(path).environment("prod").windows == (Window((5, 6), time(0), time(0)),)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon", (0,)),
        ("mon-thu", (0, 1, 2, 3)),
        ("Mon, WED , fri", (0, 2, 4)),
        ("fri-mon", (0, 4, 5, 6)),
        ("sun-sun", (6,)),
        ("mon-tue, tue-wed", (0, 1, 2)),
        (["sat", "sun"], (5, 6)),
    ],
)
def test_days_are_written_as_people_write_them(text: object, days: tuple[int, ...]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "mon-", "-mon", "mon--tue", "everyday", None, 5, [], [[]]])
def test_what_names_no_day_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="day"):
        parse_days(text)
