"""The message of a checklist: each item with a sign, who, when, by what evidence, and its buttons.

Made from the stored list alone. Block ids carry the revision, so that nothing that Slack remembers
of an older rendering is shown on a newer one. Evidence is a person's own words: escaped, and only a
link where it is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.cards import buttons, signs
from bot.cards.blocks import Part, actions, context, fit, header, section
from bot.cards.card import Block, Card
from bot.cards.modal import Modal, text_input
from bot.cards.mrkdwn import (
    Mrkdwn,
    code,
    cut_mrkdwn,
    escape,
    join,
    link,
    moment,
    people,
    plain,
    say,
    say_plain,
    user,
)
from bot.cards.promotion import commit_lines
from bot.domain.checklist import LONGEST_EVIDENCE, Checklist, No, Refusal, Tick, done
from bot.domain.image import Image
from bot.text import Texts
from config.catalog import ChecklistItem

SUMMARY = 150
_NAME = 60
_BRIEF = 150
"""Evidence up to this length stands in the item's own line."""
_COMMITS = 3
"""Of what changed since the list before, the newest; the title links the rest."""

_READ = 6_000
"""Characters that all evidence together may take of a message."""

MOST_WITH_TWO_BUTTONS = 12
"""A longer list has one button for each item, which asks for evidence that may be left out: with
two, the message would be larger than Slack takes."""

_TITLES = 3_000
"""Characters that the texts of all items together may take."""

_URL = re.compile(r"(?s)(?P<said>.*?)\s*(?P<url>https?://\S+)")


def checklist_card(
    checklist: Checklist,
    items: Sequence[ChecklistItem],
    who: Mapping[str, str],
    *,
    environment_title: str,
    texts: Texts,
) -> Card:
    """`who`: for each role's name the people who have it, as Slack ids."""
    complete = done(checklist, items) == len(items)
    values = _values(checklist, items, environment_title)
    parts = [
        Part(_id(header(say_plain(texts, "checklist.header", 150, **values)), checklist, "head")),
        *_standing(checklist, items, values, texts),
    ]
    for item in items:
        parts += _item_parts(checklist, item, who, len(items), texts)
    if checklist.replaced_by:
        row = buttons.open_checklist(checklist.service, "", texts, newest=True)
        parts += [Part(_id(actions(row), checklist, "newest"))] if row else []
    parts.append(Part(_id(context(*_foot(checklist, texts)), checklist, "foot"), spare=2))
    parts += _changed(checklist, texts)
    summary = say(texts, f"checklist.{'text_complete' if complete else 'text'}", **values)
    return fit(cut_mrkdwn(summary, SUMMARY), parts, shortened=say(texts, "common.shortened_here"))


def moved_card(
    checklist: Checklist, items: Sequence[ChecklistItem], permalink: str, texts: Texts
) -> Card:
    """For whoever asked: a link to the one message. `permalink` is "" while it is being posted."""
    values = _values(checklist, items, "")
    where = link(permalink, texts("checklist.moved_link"))
    line = say(texts, f"checklist.{'moved' if permalink else 'on_its_way'}", link=where, **values)
    return fit(
        say(texts, "checklist.moved_text", **values),
        [Part(section(Mrkdwn(f"{signs.LIST} {line}"), limit=1_500))],
        shortened=say(texts, "common.shortened_here"),
    )


def refused_card(
    refusal: Refusal,
    service: str,
    who: Mapping[str, str],
    *,
    environment_title: str,
    texts: Texts,
) -> Card:
    """What a click came to that changed nothing: private, and why."""
    held = refusal.list
    role = refusal.item.role if refusal.item else None
    values = {
        "service": held.service if held else plain(service, _NAME),
        "version": held.version if held else "",
        "newest": held.replaced_by if held else "",
        "environment": environment_title,
        "item": refusal.item.text.to(texts.language) if refusal.item else "",
        "who": people(who.get(role or "", "")) or escape(role or "", _NAME),
        "by": _by(refusal.tick),
        "at": moment(refusal.tick.at) if refusal.tick else "",
        "line": code(buttons.typed("checklist")),
    }
    line = say(texts, f"checklist.no.{refusal.why}", **values)
    spoken = {**values, "at": f"{refusal.tick.at:%H:%M} UTC" if refusal.tick else ""}
    parts = [Part(section(Mrkdwn(f"{signs.HAND} {line}"), limit=1_500))]
    if refusal.why is No.STALE_DIGEST and held is not None:
        row = buttons.open_checklist(held.service, "", texts, newest=True)
        parts += [Part(actions(row))] if row else []
    summary = cut_mrkdwn(say(texts, f"checklist.no.{refusal.why}", **spoken), SUMMARY)
    return fit(summary, parts, shortened=say(texts, "common.shortened_here"))


def evidence_modal(item: ChecklistItem, data: str, texts: Texts, *, optional: bool) -> Modal:
    name = item.text.to(texts.language)
    return Modal(
        callback=f"{buttons.PREFIX}:evidence",
        title=texts("checklist.modal.title"),
        submit=texts("checklist.modal.submit"),
        close=texts("checklist.modal.close"),
        blocks=[
            text_input(
                "evidence",
                say_plain(texts, "checklist.modal.label", 200, item=name),
                hint=texts("checklist.modal.hint", limit=f"{LONGEST_EVIDENCE:,}"),
                optional=optional,
            )
        ],
        data=data,
    )


def evidence_error(written: str, texts: Texts) -> str:
    """Why this cannot be evidence; "" where it can. None at all is a tick without."""
    if len(written) > LONGEST_EVIDENCE:
        return texts(
            "checklist.modal.too_long", count=f"{len(written):,}", limit=f"{LONGEST_EVIDENCE:,}"
        )
    return ""


def _values(
    checklist: Checklist, items: Sequence[ChecklistItem], environment_title: str
) -> dict[str, object]:
    return {
        "sign": signs.LIST,
        "service": plain(checklist.service, _NAME),
        "version": _version(checklist.version, checklist.digest),
        "environment": plain(environment_title, _NAME),
        "done": done(checklist, items),
        "of": len(items),
    }


def _standing(
    checklist: Checklist,
    items: Sequence[ChecklistItem],
    values: Mapping[str, object],
    texts: Texts,
) -> list[Part]:
    """Closed, replaced, complete: what the reader must know before the items."""
    if checklist.closed_at is not None:
        at = moment(checklist.closed_at, "date")
        line = say(texts, "checklist.closed", **{**values, "sign": signs.OK, "at": at})
    elif checklist.replaced_by:
        newest = {"sign": signs.OVERTAKEN, "version": plain(checklist.replaced_by, _NAME)}
        line = say(texts, "checklist.replaced", **{**values, **newest})
    elif not items:
        line = say(texts, "checklist.empty")
    elif done(checklist, items) == len(items):
        line = say(texts, "checklist.complete", **{**values, "sign": signs.OK})
    else:
        return []
    return [Part(_id(section(line), checklist, "standing"))]


def _item_parts(
    checklist: Checklist,
    item: ChecklistItem,
    who: Mapping[str, str],
    count: int,
    texts: Texts,
) -> list[Part]:
    held = checklist.ticks.get(item.id)
    name = item.text.to(texts.language)
    title = escape(name, min(300, _TITLES // max(1, count)))
    live = checklist.closed_at is None and not checklist.replaced_by
    if held is None:
        waits = _waits(item, who, texts)
        row = _tick_buttons(checklist, item, name, texts) if live else []
        long = count > MOST_WITH_TWO_BUTTONS
        beside = row[-1] if row and long else None
        said = Mrkdwn(f"{signs.OPEN} *{title}*\n{waits}")
        line = section(said, limit=1_500, accessory=beside)
        parts = [Part(_id(line, checklist, f"item:{item.id}"))]
        if row and not long:
            parts.append(Part(_id(actions(*row), checklist, f"do:{item.id}")))
        return parts
    said = _ticked(held, texts)
    limit = min(LONGEST_EVIDENCE, _READ // max(1, count))
    shown = evidence(held.evidence, texts, limit)
    brief = len(held.evidence) <= _BRIEF
    if shown and brief:
        said = Mrkdwn(f"{said} · {shown}")
    undo = None
    if live and not held.automatic and item.role is not None:
        undo = buttons.untick(checklist.service, checklist.digest, item.id, name, held.at, texts)
    line = section(Mrkdwn(f"{signs.OK} *{title}*\n{said}"), limit=1_500, accessory=undo)
    parts = [Part(_id(line, checklist, f"item:{item.id}"))]
    if shown and not brief:
        words = _id(context(shown), checklist, f"evidence:{item.id}")
        parts.append(Part(words, spare=1, full=_cut_off(held.evidence, limit)))
    return parts


def _tick_buttons(
    checklist: Checklist, item: ChecklistItem, name: str, texts: Texts
) -> list[Block]:
    if item.role is None:
        return []
    return buttons.tick(checklist.service, checklist.digest, item.id, name, texts)


def evidence(written: str, texts: Texts, limit: int = LONGEST_EVIDENCE) -> Mrkdwn:
    """A link with the words before it, or the words in quotes: whatever they say, they call nobody
    and lead only where they show."""
    words = written.strip()
    if not words:
        return Mrkdwn("")
    found = _URL.fullmatch(words)
    if found is not None:
        return link(found["url"], found["said"].strip(" :-–—") or texts("checklist.evidence"))
    return say(texts, "common.quoted", words=escape(words, limit))


def _cut_off(written: str, limit: int) -> str:
    return written if len(written) > limit else ""


def _ticked(held: Tick, texts: Texts) -> Mrkdwn:
    if held.automatic:
        return say(texts, "checklist.automatic", at=moment(held.at))
    return say(texts, "checklist.ticked", who=user(held.by), at=moment(held.at))


def _waits(item: ChecklistItem, who: Mapping[str, str], texts: Texts) -> Mrkdwn:
    if item.role is None:
        return say(texts, "checklist.waits_ci")
    named = people(who.get(item.role, "")) or escape(item.role, _NAME)
    return say(texts, "checklist.waits", who=named)


def _by(held: Tick | None) -> Mrkdwn:
    return user(held.by) if held is not None and held.by else Mrkdwn("CI")


def _foot(checklist: Checklist, texts: Texts) -> list[Mrkdwn]:
    foot = [say(texts, "checklist.counts", digest=_short(checklist.digest))]
    before = checklist.before
    if before is not None:
        foot.append(
            say(
                texts,
                "checklist.before",
                version=_version(before.version, before.digest),
                digest=_short(before.digest),
                done=before.done,
                of=before.of,
            )
        )
    return foot


def _changed(checklist: Checklist, texts: Texts) -> list[Part]:
    """What this release adds to that of the list before; nothing before the git host was asked."""
    before = checklist.before
    if before is None or before.commits is None:
        return []
    commits, version = before.commits, _version(before.version, before.digest)
    if commits.unknown or not commits.of:
        key = commits.unknown or "SAME"
        if f"checklist.changed.{key}" not in texts:
            key = "AWAY"
        line = say(texts, f"checklist.changed.{key}", version=version)
        return [Part(_id(context(line), checklist, "changed"), spare=3)]
    title = say(texts, "checklist.changed.title", version=version, count=commits.of)
    said = join(commit_lines(commits, title, _COMMITS, texts), "\n")
    return [Part(_id(section(said, limit=1_500), checklist, "changed"), spare=3)]


def _version(version: str, digest: str) -> str:
    return _short(digest) if version.startswith("sha256:") else plain(version, _NAME)


def _short(digest: str) -> str:
    return Image("", digest=digest).short_digest


def _id(block: Block, checklist: Checklist, name: str) -> Block:
    return {**block, "block_id": f"{name}:{checklist.revision}"[:255]}
