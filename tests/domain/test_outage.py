"""How long somebody who does not answer is waited for, and how often they are asked."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from bot.domain.outage import PATIENCE, Outage, held_up

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def until_given_up(lasts: timedelta = timedelta()) -> list[Outage]:
    """Every try fails, after it has lasted so long."""
    found: list[Outage] = []
    now = NOON + lasts
    outage = held_up(None, "registry", "away", now)
    while outage is not None:
        found.append(outage)
        now = outage.again_at + lasts
        outage = held_up(outage, "registry", f"away {len(found)}", now)
    return found


def test_the_waits_grow_and_stay_at_half_a_minute() -> None:
    outages = until_given_up()
    times = [NOON, *(each.again_at for each in outages)]
    waits = [(after - before).seconds for before, after in pairwise(times)]
    assert waits[:6] == [2, 4, 8, 15, 30, 30]
    assert max(waits) == 30


def test_the_last_try_is_made_when_patience_ends() -> None:
    outages = until_given_up()
    assert outages[-1].again_at == NOON + PATIENCE == outages[0].until
    assert {each.until for each in outages} == {NOON + PATIENCE}
    assert [each.tries for each in outages] == list(range(1, len(outages) + 1))


def test_tries_that_hang_cost_no_more_patience() -> None:
    outages = until_given_up(timedelta(seconds=90))
    assert len(outages) <= 4
    assert all(each.again_at <= each.until for each in outages)


def test_a_wait_that_the_other_side_names_is_kept_within_the_patience() -> None:
    asked = held_up(None, "registry", "slow down", NOON, retry_after=60)
    assert asked is not None
    assert asked.again_at == NOON + timedelta(seconds=60)
    longer = held_up(None, "registry", "slow down", NOON, retry_after=9_000)
    assert longer is not None
    assert longer.again_at == NOON + PATIENCE


def test_the_last_word_is_the_newest() -> None:
    assert until_given_up()[2].message == "away 2"
