"""The checklist as a value: who may change what, and what each click that may not is told."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.checklist import (
    LONGEST_EVIDENCE,
    Before,
    Checklist,
    No,
    Person,
    Refusal,
    Tick,
    compared,
    done,
    judge_checklist,
    left_behind,
    settle_automatic,
    tick,
    to_compare,
    untick,
)
from bot.domain.promotion import Commits
from config.catalog import ChecklistItem, Localized

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "ab12" * 16
ITEMS = (
    ChecklistItem("tests", Localized("Tests pass", "Las pruebas pasan"), automatic="ci"),
    ChecklistItem("manual-qa", Localized("Manual QA", "Calidad"), role="qa"),
    ChecklistItem("security-review", Localized("Security", "Seguridad"), role="security"),
)
CARLA = Person("U0CARLA000", frozenset({"qa"}))
DAN = Person("U0DAN00000", frozenset({"security"}))
NOBODY = Person("U0BEN00000")
LATER = NOON + timedelta(minutes=3)


def a_list(**changes: object) -> Checklist:
    return Checklist("tasks-service", DIGEST, "1.4.0", NOON).with_(**changes)


def ticked(item: str, by: str = "U0CARLA000") -> Checklist:
    return a_list(ticks={item: Tick(by, NOON)})


def test_a_tick_says_who_when_and_by_what_evidence() -> None:
    after = tick(a_list(), ITEMS, "manual-qa", CARLA, NOON, "https://example.com/run/7")
    assert isinstance(after, Checklist)
    assert after.ticks == {"manual-qa": Tick("U0CARLA000", NOON, "https://example.com/run/7")}
    assert a_list().ticks == {}


@pytest.mark.parametrize(
    ("checklist", "item", "person", "why"),
    [
        (a_list(), "no-such", CARLA, No.NO_SUCH_ITEM),
        (a_list(), "", CARLA, No.NO_SUCH_ITEM),
        (a_list(), "manual-qa", DAN, No.NOT_YOUR_ROLE),
        (a_list(), "manual-qa", NOBODY, No.NOT_YOUR_ROLE),
        (ticked("manual-qa"), "manual-qa", CARLA, No.ALREADY_TICKED),
        (a_list(), "tests", CARLA, No.AUTOMATIC),
        (a_list(closed_at=NOON), "manual-qa", CARLA, No.CLOSED),
        (a_list(closed_at=NOON, replaced_by="1.5.0"), "manual-qa", CARLA, No.CLOSED),
        (a_list(replaced_by="1.5.0"), "manual-qa", CARLA, No.STALE_DIGEST),
        (a_list(replaced_by="1.5.0"), "manual-qa", NOBODY, No.STALE_DIGEST),
    ],
)
def test_a_tick_that_may_not_be_changes_nothing_and_says_why(
    checklist: Checklist, item: str, person: Person, why: No
) -> None:
    before = dict(checklist.ticks)
    refused = tick(checklist, ITEMS, item, person, LATER)
    assert isinstance(refused, Refusal)
    assert refused.why is why
    assert refused.list == checklist
    assert checklist.ticks == before


def test_who_comes_second_is_told_who_was_first() -> None:
    refused = tick(ticked("manual-qa"), ITEMS, "manual-qa", CARLA, LATER)
    assert isinstance(refused, Refusal)
    assert refused.tick == Tick("U0CARLA000", NOON)


@pytest.mark.parametrize(
    ("checklist", "person", "seen", "why"),
    [
        (a_list(), CARLA, None, No.NOT_TICKED),
        (ticked("manual-qa"), NOBODY, NOON, No.NOT_YOUR_ROLE),
        (ticked("manual-qa"), CARLA, NOON - timedelta(hours=1), No.CHANGED),
        (ticked("manual-qa").with_(closed_at=NOON), CARLA, NOON, No.CLOSED),
        (ticked("manual-qa").with_(replaced_by="2"), CARLA, NOON, No.STALE_DIGEST),
    ],
)
def test_an_untick_that_may_not_be_changes_nothing_and_says_why(
    checklist: Checklist, person: Person, seen: object, why: No
) -> None:
    refused = untick(checklist, ITEMS, "manual-qa", person, seen)  # type: ignore[arg-type]
    assert isinstance(refused, Refusal)
    assert refused.why is why


def test_anybody_of_the_role_may_take_a_tick_back_and_nothing_else_goes() -> None:
    full = a_list(
        ticks={"manual-qa": Tick("U0OTHER000", NOON), "security-review": Tick("U2", NOON)}
    )
    after = untick(full, ITEMS, "manual-qa", CARLA, NOON)
    assert isinstance(after, Checklist)
    assert [*after.ticks] == ["security-review"]


def test_an_automatic_item_is_ticked_by_its_evidence_and_falls_with_it() -> None:
    green = settle_automatic(a_list(), ITEMS[0], holds=True, now=NOON, evidence="unit https://ci/1")
    assert green.ticks["tests"] == Tick("", NOON, "unit https://ci/1", automatic=True)
    assert settle_automatic(green, ITEMS[0], holds=True, now=LATER) is green
    assert settle_automatic(green, ITEMS[0], holds=False, now=LATER).ticks == {}
    closed = green.with_(closed_at=NOON)
    assert settle_automatic(closed, ITEMS[0], holds=False, now=LATER) is closed
    refused = untick(green, ITEMS, "tests", CARLA, NOON)
    assert isinstance(refused, Refusal)
    assert refused.why is No.AUTOMATIC


def test_evidence_is_kept_up_to_its_limit() -> None:
    after = tick(a_list(), ITEMS, "manual-qa", CARLA, NOON, "x" * 10_000)
    assert isinstance(after, Checklist)
    assert len(after.ticks["manual-qa"].evidence) == LONGEST_EVIDENCE


def test_the_gate_is_open_when_every_item_of_the_catalog_is_ticked() -> None:
    ticks = {item.id: Tick("U1", NOON) for item in ITEMS}
    gate = judge_checklist(a_list(ticks=ticks), ITEMS, {})
    assert (gate.ok, gate.code, gate.values) == (True, "CHECKLIST_COMPLETE", {"done": 3, "of": 3})


def test_the_gate_names_what_is_missing_in_both_languages_and_who_may_tick_it() -> None:
    who = {"qa": "S0QATESTER", "security": "S0SECURITY U0DAN00000"}
    gate = judge_checklist(ticked("manual-qa"), ITEMS, who)
    assert (gate.ok, gate.code, gate.values["done"]) == (False, "CHECKLIST_OPEN", 1)
    assert json.loads(str(gate.values["waiting"])) == [
        {"id": "tests", "en": "Tests pass", "es": "Las pruebas pasan", "who": ""},
        {
            "id": "security-review",
            "en": "Security",
            "es": "Seguridad",
            "who": "S0SECURITY U0DAN00000",
        },
    ]


def test_a_tick_of_an_item_that_the_catalog_has_no_more_completes_nothing() -> None:
    gone = a_list(ticks={"gone": Tick("U1", NOON), "manual-qa": Tick("U1", NOON)})
    assert done(gone, ITEMS) == 1
    assert not judge_checklist(gone, ITEMS, {}).ok
    assert left_behind(gone, ITEMS) == Before("1.4.0", DIGEST, 1, 3)


def test_what_changed_is_asked_until_it_is_known_and_what_is_known_stays() -> None:
    before = Before("1.3.2", "sha256:" + "cd34" * 16, 2, 3)
    known, away = Commits(of=4, since=before.digest), Commits(unknown="AWAY")
    assert to_compare(a_list()) is None, "there was none before"
    fresh = a_list(before=before)
    assert to_compare(fresh) == before
    asked = compared(fresh, away)
    assert asked.before is not None
    assert to_compare(asked) == asked.before, "asked again"
    settled = compared(asked, known)
    assert settled.before is not None
    assert settled.before.commits == known
    assert to_compare(settled) is None
    assert compared(settled, away) == settled
    assert to_compare(compared(fresh, Commits(unknown="NO_HOST"))) is None
