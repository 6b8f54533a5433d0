"""Schemas of what agents and services show: cards, plans and tasks, alerts, sign-ins, feedback."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack import limits
from bot.sandbox.slack.block_elements import (
    BUTTON,
    FEEDBACK_BUTTONS,
    ICON_BUTTON,
    IMAGE_ELEMENT,
    OVERFLOW,
    block,
    plain,
    text,
)
from bot.sandbox.slack.block_rich_text import RICH_TEXT
from bot.sandbox.slack.schema import Check, array, boolean, breach, by_type, one_of, record, string

# https://docs.slack.dev/reference/block-kit/composition-objects/slack-icon-object
_ICONS = [
    "archive",
    "book",
    "bookmark",
    "bot",
    "bug",
    "calendar",
    "call",
    "caret-left",
    "caret-right",
    "check",
    "clipboard",
    "code",
    "comment",
    "compass",
    "copy",
    "cube",
    "download",
    "edit",
    "email",
    "eye-closed",
    "eye-open",
    "file",
    "flag",
    "folder",
    "gear",
    "globe",
    "heart",
    "help",
    "image",
    "info",
    "key",
    "lightbulb",
    "link",
    "map",
    "mobile",
    "new-window",
    "pin",
    "plus",
    "refine",
    "refresh",
    "rocket",
    "save",
    "screen",
    "share",
    "sparkle",
    "star",
    "star-filled",
    "tag",
    "thumbs-down",
    "thumbs-up",
    "trash",
    "upload",
    "user",
    "warning",
]
_IMAGE = by_type({"image": IMAGE_ELEMENT})
SOURCE = by_type(
    {"url": record({"url": string(limits.URL), "text": string(limits.TEXT)}, typed=True)}
)
STATUS = one_of("pending", "in_progress", "complete", "error")


def _card_shows_something(value: Any, pointer: str, found: list[str]) -> None:
    shown = ("hero_image", "title", "actions", "body")
    if isinstance(value, dict) and not any(name in value for name in shown):
        words = "must define at least one of `hero_image`, `title`, `actions` or `body`"
        found.append(breach(words, pointer))


_TASK_CARD = block(
    {"task_id": string(limits.BLOCK_ID), "title": string(limits.CARD_TITLE)},
    {
        "status": STATUS,
        "details": RICH_TEXT,
        "output": RICH_TEXT,
        "sources": array(SOURCE, 0, limits.MESSAGE_BLOCKS),
    },
)
_CARD = block(
    {},
    {
        "title": text(limits.CARD_TITLE),
        "subtitle": text(limits.CARD_TITLE),
        "body": text(limits.CARD_BODY),
        "icon": _IMAGE,
        "slack_icon": by_type({"icon": record({"name": one_of(*_ICONS)}, typed=True)}),
        "hero_image": _IMAGE,
        "actions": array(by_type({"button": BUTTON}), 1, limits.CARD_ACTIONS),
    },
    _card_shows_something,
)
ALERT = block(
    {"text": text(limits.ALERT_TEXT)},
    {"level": one_of("default", "info", "warning", "error", "success")},
)
_provider_name = plain(limits.PROVIDER_NAME)
CARD_BLOCKS: dict[str, Check] = {
    "context_actions": block(
        {
            "elements": array(
                by_type({"feedback_buttons": FEEDBACK_BUTTONS, "icon_button": ICON_BUTTON}),
                1,
                limits.CONTEXT_ACTIONS_ELEMENTS,
            )
        }
    ),
    "plan": block(
        {"title": string(limits.CARD_TITLE)},
        {"tasks": array(by_type({"task_card": _TASK_CARD}), 1, limits.PLAN_TASKS)},
    ),
    "task_card": _TASK_CARD,
    "card": _CARD,
    "carousel": block({"elements": array(by_type({"card": _CARD}), 1, limits.CAROUSEL_CARDS)}),
}


def auth_provider(fallback: Check) -> Check:
    """Signing in elsewhere; `fallback` is a list of blocks for clients that cannot show it."""
    return block(
        {
            "value": string(limits.PROVIDER_VALUE),
            "name": _provider_name,
            "is_connected": boolean,
        },
        {
            "description": plain(limits.PROVIDER_VALUE),
            "icon_url": string(limits.URL),
            "auth_url": string(limits.URL),
            "disconnect_url": string(limits.URL),
            "connected_identity": _provider_name,
            "connected_context": _provider_name,
            "accessory": by_type({"overflow": OVERFLOW}),
            "fallback": fallback,
        },
    )


def container(children: dict[str, Check]) -> Check:
    """A container of these blocks; it does not hold another one."""
    return block(
        {"child_blocks": array(by_type(children), 1, limits.CONTAINER_CHILDREN)},
        {
            "title": plain(limits.CARD_TITLE),
            "rich_text_title": RICH_TEXT,
            "subtitle": text(limits.CARD_TITLE),
            "width": one_of("narrow", "standard", "wide", "full"),
            "icon": _IMAGE,
            "is_collapsible": boolean,
            "default_collapsed": boolean,
            "has_header_divider": boolean,
        },
        _container_fits,
    )


def _container_fits(value: Any, pointer: str, found: list[str]) -> None:
    if not isinstance(value, dict):
        return
    if "title" not in value and "rich_text_title" not in value:
        found.append(breach("must define either `title` or `rich_text_title`", pointer))
    collapsible = value.get("is_collapsible") is True
    if value.get("default_collapsed") is True and not collapsible:
        where = f"{pointer}/default_collapsed"
        found.append(breach("requires `is_collapsible` to be true", where))
    if value.get("has_header_divider") is True and collapsible:
        words = "cannot be set when `is_collapsible` is true"
        found.append(breach(words, f"{pointer}/has_header_divider"))
