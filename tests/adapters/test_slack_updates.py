"""All edits of all cards go through one budget: newest wins, ends first, a 429 is honoured."""

import asyncio
from datetime import timedelta

import pytest

from bot.adapters.slack_updates import (
    BACKGROUND,
    BUDGET,
    CARDS,
    Budget,
    CardUpdates,
    Waiting,
    next_send,
)
from bot.cards.card import Card
from bot.domain.rollout import CardRef
from bot.errors import PortError, Trouble


class Slack:
    """What arrives where Slack would be; it can be told to answer late, or not at all."""

    def __init__(self) -> None:
        self.edits: list[tuple[str, str]] = []
        self.errors: list[PortError] = []
        self.hold: asyncio.Event | None = None

    async def edit(self, ref: CardRef, card: Card) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.edits.append((ref.ts, card.text))


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
async def updates(slack, clock):
    updates = CardUpdates(slack.edit, clock)
    yield updates
    await updates.close()


def card(text: str) -> Card:
    return Card(text, [])


def offer(
    updates, ts: str, text: str, *, urgent: bool = False, background: bool = False
) -> "asyncio.Task[bool]":
    offered = updates.offer(CardRef("C1", ts), card(text), urgent=urgent, background=background)
    return asyncio.ensure_future(offered)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_first_edit_of_a_card_goes_at_once(updates, slack):
    assert await updates.offer(CardRef("C1", "1"), card("a"), urgent=False)
    assert slack.edits == [("1", "a")]


async def test_of_many_edits_of_one_card_only_the_newest_is_sent(updates, slack, clock):
    first = offer(updates, "1", "0 of 3")
    await settle()
    later = [offer(updates, "1", f"{n} of 3") for n in (1, 2, 3)]
    await settle()
    clock.advance(3)
    await settle()
    assert slack.edits == [("1", "0 of 3"), ("1", "3 of 3")]
    assert await asyncio.gather(first, *later) == [True, False, False, True]


async def test_an_end_does_not_wait_its_two_seconds(updates, slack):
    await updates.offer(CardRef("C1", "1"), card("2 of 3"), urgent=False)
    assert await updates.offer(CardRef("C1", "1"), card("failed"), urgent=True)
    assert slack.edits[-1] == ("1", "failed")


async def test_progress_takes_thirty_of_forty_a_minute_and_ends_get_the_rest(updates, slack, clock):
    for number in range(BUDGET + 20):
        offer(updates, f"p{number}", "progress")
    await settle()
    assert len(slack.edits) == CARDS.progress == 30
    for number in range(20):
        offer(updates, f"e{number}", "end", urgent=True)
    await settle()
    assert len(slack.edits) == CARDS.most == 40
    assert all(text == "end" for _, text in slack.edits[CARDS.progress :])
    clock.advance(61)
    await settle()
    assert [text for _, text in slack.edits[CARDS.most :]].count("end") == 10


async def test_no_window_of_a_minute_ever_holds_more_than_fifty(updates, slack, clock):
    times = []
    for second in range(200):
        for number in range(30):
            offer(updates, str(number), f"{second}", urgent=second % 50 == 0)
            offer(updates, f"log {number}", f"{second}", background=True)
        before = len(slack.edits)
        await settle()
        times += [second] * (len(slack.edits) - before)
        clock.advance(1)
    assert max(sum(1 for t in times if start <= t < start + 60) for start in range(140)) <= BUDGET
    assert len(times) > 2 * (CARDS.progress + BACKGROUND.progress)


async def _sent_of_cards(clock, *, logs: int) -> list[tuple[int, str, str]]:
    """When each edit of four rollouts' cards goes, beside so many live logs that always have news,
    were posted just before and end in the middle of it."""
    slack = Slack()
    updates = CardUpdates(slack.edit, clock)
    sent = []
    for second in range(150):
        if second % 30 == 0:
            for number in range(logs):
                updates.posted(CardRef("C1", f"log {number}"))
        for number in range(logs):
            offer(updates, f"log {number}", f"{second}", urgent=second == 70, background=True)
        for number in range(4):
            offer(updates, f"card {number}", f"{second}", urgent=second == 100)
        before = len(slack.edits)
        await settle()
        sent += [(second, *edit) for edit in slack.edits[before:] if edit[0].startswith("card")]
        clock.advance(1)
    assert any(ts.startswith("log") for ts, _ in slack.edits) == bool(logs)
    await updates.close()
    return sent


async def test_a_hundred_live_logs_delay_no_edit_of_a_rollouts_card(clock):
    alone = await _sent_of_cards(clock, logs=0)
    clock.advance(120)
    assert await _sent_of_cards(clock, logs=100) == alone
    assert len(alone) > 60


async def test_a_stop_that_a_person_pressed_does_not_wait_for_other_logs(updates, slack):
    for number in range(30):
        offer(updates, f"log {number}", "live", background=True)
    await settle()
    assert len(slack.edits) == BACKGROUND.most
    assert await updates.offer(CardRef("C1", "log 29"), card("stopped"), urgent=True)
    assert ("log 29", "live") not in slack.edits


async def test_the_end_of_a_log_goes_before_the_halves_of_others(updates, slack, clock):
    for number in range(30):
        offer(updates, f"log {number}", "live", background=True)
    await settle()
    offer(updates, "log 29", "ended", urgent=True, background=True)
    await settle()
    clock.advance(61)
    await settle()
    assert slack.edits[BACKGROUND.most] == ("log 29", "ended")


async def test_a_429_stops_all_edits_until_its_time_and_loses_none(updates, slack, clock):
    slack.errors.append(PortError("slack", Trouble.THROTTLED, temporary=True, retry_after=7))
    sent = offer(updates, "1", "a")
    await settle()
    other = offer(updates, "2", "end", urgent=True)
    await settle()
    assert slack.edits == []
    clock.advance(6.9)
    await settle()
    assert slack.edits == []
    clock.advance(0.2)
    await settle()
    assert sorted(slack.edits) == [("1", "a"), ("2", "end")]
    assert await sent
    assert await other


async def test_a_newer_card_takes_the_place_of_one_that_met_a_429(updates, slack, clock):
    slack.errors.append(PortError("slack", Trouble.THROTTLED, temporary=True, retry_after=5))
    slack.hold = asyncio.Event()
    older = offer(updates, "1", "older")
    await settle()
    newer = offer(updates, "1", "newer")
    slack.hold.set()
    await settle()
    clock.advance(6)
    await settle()
    assert slack.edits == [("1", "newer")]
    assert [await older, await newer] == [False, True]


async def test_two_edits_of_one_card_never_fly_at_once(updates, slack):
    slack.hold = asyncio.Event()
    offer(updates, "1", "a")
    await settle()
    offer(updates, "1", "b", urgent=True)
    await settle()
    assert slack.edits == []
    slack.hold.set()
    await settle()
    assert slack.edits == [("1", "a"), ("1", "b")]


async def test_an_error_goes_to_who_offered_the_card(updates, slack):
    slack.errors.append(PortError("slack", Trouble.NOT_FOUND, temporary=False))
    with pytest.raises(PortError):
        await updates.offer(CardRef("C1", "1"), card("a"), urgent=False)


def test_many_live_cards_share_the_budget_evenly(clock):
    now = clock.now()
    keys = [("C1", str(number)) for number in range(20)]
    waiting = [Waiting(key, False, now) for key in keys]
    budget = Budget(sent=(), last=dict.fromkeys(keys, now))
    key, when = next_send(waiting, budget, now)
    assert key is None
    assert when == now + timedelta(seconds=40)  # 20 cards, 2 s each: 30 edits a minute in all


async def test_the_states_passed_at_once_after_the_post_are_one_edit(updates, slack, clock):
    updates.posted(CardRef("C1", "1"))
    for state in ("applying", "0 of 3", "1 of 3"):
        offer(updates, "1", state)
    await settle()
    assert slack.edits == []
    clock.advance(1)
    await settle()
    assert slack.edits == [("1", "1 of 3")]
