"""The buttons that Dynamo has, and what a click carries back.

An `action_id` is `dyn:VERB`; where one row has several buttons of a verb, `dyn:VERB:2` and so on
(Slack wants them distinct). `verb_of` reads the verb, so that a further button is one function
here and one line in a card.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from bot.cards.blocks import BUTTON, VALUE, button, confirm
from bot.cards.card import Block
from bot.cards.mrkdwn import clean, plain, say_plain, size
from bot.domain import rollout_course
from bot.domain.build import Build
from bot.domain.kind import GoodRelease
from bot.domain.rollout import Rollout, RolloutState
from bot.text import Texts

PREFIX = "dyn"
COMMAND = "/dynamo"
SEPARATOR = "|"
AUTOMATIC = "automatic"
"""In the place of a language: as Slack has it."""


def verb_of(action_id: str) -> str:
    """ "cancel" for `dyn:cancel` and `dyn:cancel:2`; "" for what is not ours."""
    pieces = action_id.split(":")
    return pieces[1] if pieces[0] == PREFIX and len(pieces) > 1 else ""


def split_value(value: str) -> tuple[str, ...]:
    """The pieces that a button's value was made of."""
    return tuple(value.split(SEPARATOR))


def typed(line: str) -> str:
    """A line as a person types it: `/dynamo deploy tasks-service qa`. The normal form of a line
    may hold Slack's own escapes; whoever shows it escapes it again."""
    shown = clean(line).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return shown if shown.startswith(COMMAND) else f"{COMMAND} {shown}".rstrip()


def cancel(
    rollout: Rollout,
    environment_title: str,
    before: str,
    texts: Texts,
    *,
    numbers: Mapping[str, object] | None = None,
) -> Block | None:
    """Value: rollout id and the state the reader saw, so that a stale click can be told. None
    where there is no way back. `before`: the version that it would go back to; `numbers`: what a
    scaling speaks of (`operations.py`)."""
    value = SEPARATOR.join((rollout.id, rollout.state))
    if rollout_course.cancel(rollout, "", rollout.requested_at) is None or not _carries(value):
        return None
    untouched = rollout.state is RolloutState.QUEUED or rollout.before_generation is None
    text = say_plain(
        texts,
        _goes_back_to(rollout, untouched=untouched),
        300,
        service=plain(rollout.service, 60),
        environment=plain(environment_title, 60),
        version=plain(rollout.version, 60),
        before=plain(before, 60),
        **(numbers or {}),
    )
    return button(
        texts("button.cancel"),
        f"{PREFIX}:cancel",
        value,
        style="danger",
        confirm=confirm(
            texts("button.cancel_confirm.title"),
            text,
            texts("button.cancel_confirm.yes"),
            texts("button.cancel_confirm.no"),
            danger=True,
        ),
    )


def _goes_back_to(rollout: Rollout, *, untouched: bool) -> str:
    if rollout.scaling is None or untouched:
        return f"button.cancel_confirm.{'untouched' if untouched else 'touched'}"
    return "button.scale_back" if rollout.scaling.span is None else "button.bounds_back"


def run(
    line: str, label: str, *, primary: bool = False, place: int = 1, spoken: str = ""
) -> Block | None:
    """Runs a typed line as the person who clicks; None for a line that no button carries whole."""
    if not _carries(line):
        return None
    action = f"{PREFIX}:run" if place == 1 else f"{PREFIX}:run:{place}"
    return button(label, action, line, style="primary" if primary else None, spoken=spoken)


def language(offered: Sequence[tuple[str, str]], chosen: str, texts: Texts) -> Block:
    """A menu of languages, as value and name; the first is chosen where `chosen` is none."""
    options = [
        {"text": {"type": "plain_text", "text": plain(name, 75)}, "value": value}
        for value, name in offered
    ]
    initial = next((each for each in options if each["value"] == chosen), options[0])
    return {
        "type": "static_select",
        "action_id": f"{PREFIX}:language",
        "placeholder": {"type": "plain_text", "text": plain(texts("language.label"), 150)},
        "options": options,
        "initial_option": initial,
    }


def open_form(texts: Texts) -> Block:
    """Opens the form that writes a line; where it was clicked is where it answers."""
    return button(texts("button.form"), f"{PREFIX}:open", "form")


def suggestions(lines: Sequence[str], *, most: int = 3) -> list[Block]:
    """One button per line that would run, the first as the primary one."""
    offered = [
        run(line, typed(line), primary=place == 1, place=place)
        for place, line in enumerate(lines[:most], start=1)
    ]
    return [block for block in offered if block is not None]


def approve(rollout: Rollout, texts: Texts, *, primary: bool) -> Block:
    """Value: rollout id and the fingerprint of what the reader saw, so that nobody approves what
    changed meanwhile."""
    value = SEPARATOR.join((rollout.id, rollout.covers))
    style: Literal["primary"] | None = "primary" if primary else None
    return button(texts("button.approve"), f"{PREFIX}:approve", value, style=style)


def reject(rollout: Rollout, texts: Texts) -> Block:
    """Opens a modal that asks for the reason. Value as of `approve`."""
    value = SEPARATOR.join((rollout.id, rollout.covers))
    return button(texts("button.reject"), f"{PREFIX}:reject", value, style="danger")


def go(rollout: Rollout, environment_title: str, before: str, texts: Texts) -> Block:
    """Lets a waiting request go, after Slack's own question. Value as of `approve`."""
    names = {
        "service": plain(rollout.service, 60),
        "environment": plain(environment_title, 60),
        "version": plain(rollout.version, 60),
        "before": plain(before, 60) or texts("button.go_confirm.nothing"),
        "count": rollout.before.desired if rollout.before else 0,
    }
    return button(
        say_plain(texts, "button.go", BUTTON, **names),
        f"{PREFIX}:go",
        SEPARATOR.join((rollout.id, rollout.covers)),
        style="primary",
        confirm=confirm(
            say_plain(texts, "button.go", 100, **names),
            say_plain(texts, "button.go_confirm.text", 300, **names),
            texts("button.go_confirm.yes"),
            texts("button.go_confirm.no"),
        ),
    )


def ask(digest: str, line: str, texts: Texts) -> Block | None:
    """Asks others for what is missing. Value: the digest that was refused, and the line."""
    value = SEPARATOR.join((digest, line))
    if not _carries(value):
        return None
    return button(texts("button.ask"), f"{PREFIX}:ask", value, style="primary")


def override(digest: str, line: str, title: str, radius: str, texts: Texts) -> Block | None:
    """Break-glass, after Slack's own question about its `radius`. Value as of `ask`."""
    value = SEPARATOR.join((digest, line))
    if not _carries(value):
        return None
    return button(
        texts("button.override"),
        f"{PREFIX}:override",
        value,
        style="danger",
        confirm=confirm(
            title,
            radius,
            texts("button.override_confirm.yes"),
            texts("button.override_confirm.no"),
            danger=True,
        ),
    )


def roll_back(rollout: Rollout, environment_title: str, texts: Texts) -> Block | None:
    """Goes back, after Slack's own question. Value: the rollout that it takes back, and the digest
    that its reader was shown as the target."""
    to = rollout.way_back
    value = SEPARATOR.join((rollout.id, to.digest)) if to else ""
    if to is None or not _carries(value):
        return None
    names = {
        "service": plain(rollout.service, 60),
        "environment": plain(environment_title, 60),
        "before": plain(rollout.version, 60),
        "version": plain(to.version, 40),
    }
    return button(
        say_plain(texts, "button.rollback", BUTTON, **names),
        f"{PREFIX}:rollback",
        value,
        style="danger",
        confirm=confirm(
            texts("button.rollback_confirm.title"),
            say_plain(texts, "button.rollback_confirm.text", 300, **names),
            texts("button.rollback_confirm.yes"),
            texts("button.rollback_confirm.no"),
            danger=True,
        ),
    )


def roll_back_confirmed(
    target: GoodRelease, line: str, names: Mapping[str, object], texts: Texts
) -> Block | None:
    """Under the question to a typed line. Value: the target that its reader saw, and the line."""
    value = SEPARATOR.join((target.digest, line))
    if not _carries(value):
        return None
    label = say_plain(texts, "button.rollback", BUTTON, **names)
    return button(label, f"{PREFIX}:rollback-confirmed", value, style="danger")


def scale_confirmed(
    number: int, now: int, line: str, names: Mapping[str, object], texts: Texts
) -> Block | None:
    """Under the question, and Slack's own for zero. Value: how many pods its reader saw, and the
    line."""
    value = SEPARATOR.join((str(now), line))
    if not _carries(value):
        return None
    text = "zero" if number == 0 else "text"
    return button(
        say_plain(texts, "button.scale_go", BUTTON, **names),
        f"{PREFIX}:scale-confirmed",
        value,
        style="danger",
        confirm=confirm(
            texts("button.scale_confirm.title"),
            say_plain(texts, f"button.scale_confirm.{text}", 300, **names),
            texts("button.scale_confirm.yes"),
            texts("button.scale_confirm.no"),
            danger=True,
        ),
    )


def bounds(service: str, environment: str, texts: Texts) -> Block | None:
    """Opens the window for an autoscaler's bounds."""
    value = SEPARATOR.join((service, environment))
    label = texts("button.bounds")
    return button(label, f"{PREFIX}:bounds", value, style="primary") if _carries(value) else None


def status(service: str, environment: str, texts: Texts) -> Block | None:
    value = SEPARATOR.join((service, environment))
    return button(texts("button.status"), f"{PREFIX}:status", value) if _carries(value) else None


def page(way: str, value: str, texts: Texts) -> Block | None:
    """Turns to the "older" or "newer" page of a list. Value: service, environment, way, and the
    number of the record from which it goes on."""
    if not _carries(value):
        return None
    return button(texts(f"button.page.{way}"), f"{PREFIX}:history:{way}", value)


def over_lock(
    service: str, environment: str, owner: str, since: str, wanted: str, where: str, texts: Texts
) -> Block | None:
    """ "take" or "lift" another's lock, after a question. The value names the lock that was seen
    (scope, owner and since), so that a click on an old button takes no other one."""
    value = SEPARATOR.join((service, environment, owner, since))
    if not _carries(value):
        return None
    return button(
        texts(f"button.lock.{wanted}"),
        f"{PREFIX}:{wanted}",
        value,
        style="danger",
        confirm=confirm(
            texts(f"button.lock_confirm.title_{wanted}"),
            say_plain(texts, f"button.lock_confirm.{wanted}", 300, where=where),
            texts(f"button.lock_confirm.yes_{wanted}"),
            texts("button.lock_confirm.no"),
            danger=True,
        ),
    )


def open_checklist(
    service: str, digest: str, texts: Texts, *, primary: bool = False, newest: bool = False
) -> Block | None:
    """Value: service and digest, or no digest for the service's current list."""
    value = SEPARATOR.join((service, "" if newest else digest))
    label = texts("button.checklist.newest" if newest else "button.checklist.open")
    style: Literal["primary"] | None = "primary" if primary else None
    return button(label, f"{PREFIX}:checklist", value, style=style) if _carries(value) else None


def tick(service: str, digest: str, item: str, name: str, texts: Texts) -> list[Block]:
    """Tick, and tick with evidence. `name` is what the item is called."""
    value = SEPARATOR.join((service, digest, item))
    if not _carries(value):
        return []
    return [
        button(
            texts("button.checklist.tick"),
            f"{PREFIX}:tick",
            value,
            spoken=say_plain(texts, "button.checklist.tick_item", 75, item=name),
        ),
        button(
            texts("button.checklist.evidence"),
            f"{PREFIX}:evidence",
            value,
            spoken=say_plain(texts, "button.checklist.evidence_item", 75, item=name),
        ),
    ]


def untick(
    service: str, digest: str, item: str, name: str, seen: datetime, texts: Texts
) -> Block | None:
    """Value: service, digest, item, and the time of the tick that the reader saw: a click never
    takes back another one."""
    value = SEPARATOR.join((service, digest, item, seen.isoformat()))
    spoken = say_plain(texts, "button.checklist.untick_item", 75, item=name)
    label = texts("button.checklist.untick")
    return button(label, f"{PREFIX}:untick", value, spoken=spoken) if _carries(value) else None


def stop_build(build: Build, texts: Texts) -> Block | None:
    """Cancels a build, after Slack's own question. Value: its id."""
    if not _carries(build.id):
        return None
    names = {"service": plain(build.service, 60), "version": plain(build.version, 60)}
    return button(
        texts("button.stop_build"),
        f"{PREFIX}:stop-build",
        build.id,
        style="danger",
        confirm=confirm(
            texts("button.stop_build_confirm.title"),
            say_plain(texts, "button.stop_build_confirm.text", 300, **names),
            texts("button.stop_build_confirm.yes"),
            texts("button.stop_build_confirm.no"),
            danger=True,
        ),
    )


def _carries(value: str) -> bool:
    """Whether a button can hold it whole: not too long, nothing in it that is cleaned away."""
    return 0 < size(value) <= VALUE and clean(value) == value
