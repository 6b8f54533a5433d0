"""`stats [SERVICE] [--days N]`: deployment frequency, lead time, failure rate, recovery time."""

from bot.cards.buttons import typed as written
from bot.cards.card import Card
from bot.cards.mrkdwn import code
from bot.cards.pointer import notice_card
from bot.cards.stats import stats_card
from bot.workflows.stats import delivery
from commands.asked import Asked
from commands.vocabulary import STATS

COMMAND = STATS

DAYS, MOST_DAYS = 30, 365


async def run(asked: Asked) -> Card | None:
    invocation = asked.invocation
    typed = str(invocation.options.get("days", DAYS))
    # "+3" is a count elsewhere; five digits are enough to tell it from a year.
    days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
    if not 1 <= days <= MOST_DAYS:
        line = code(written(f"stats --days {DAYS}"))
        return notice_card(asked.texts, "bad_days", most=MOST_DAYS, line=line)
    service = invocation.service or ""
    found = await delivery(service, days, asked.edges)
    title = asked.edges.catalog.environments[-1].title
    production = title.to(asked.texts.language)
    where = f"{service} → {production}" if service else production
    return stats_card(found, where=where, days=days, texts=asked.texts)
