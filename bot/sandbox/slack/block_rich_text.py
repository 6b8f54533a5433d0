"""Schemas of rich text: sections, lists, quotes, and what stands in their lines."""

from __future__ import annotations

from bot.sandbox.slack import limits
from bot.sandbox.slack.schema import Check, array, boolean, by_type, number, one_of, record, string

BLOCK_ID = string(limits.BLOCK_ID)
_id = string(limits.ACTION_ID)
_word = string(limits.WORD)
_TEXT_STYLE = record(
    {},
    dict.fromkeys(
        (
            "bold",
            "italic",
            "strike",
            "code",
            "underline",
            "highlight",
            "client_highlight",
            "unlink",
        ),
        boolean,
    ),
)
_STYLED: dict[str, Check] = {"style": _TEXT_STYLE}
_RICH: dict[str, Check] = {
    "text": record({"text": string(limits.MARKDOWN_TEXT)}, _STYLED, typed=True),
    "link": record(
        {"url": string(limits.URL)},
        {"text": string(limits.TEXT), "unsafe": boolean, **_STYLED},
        typed=True,
    ),
    "emoji": record(
        {"name": _word},
        {"unicode": _word, "skin_tone": number(2, 6), **_STYLED},
        typed=True,
    ),
    "user": record({"user_id": _id}, _STYLED, typed=True),
    "usergroup": record({"usergroup_id": _id}, _STYLED, typed=True),
    "channel": record({"channel_id": _id}, _STYLED, typed=True),
    "team": record({"team_id": _id}, _STYLED, typed=True),
    "broadcast": record({"range": one_of("here", "channel", "everyone")}, _STYLED, typed=True),
    "date": record(
        {"timestamp": number(0), "format": string(limits.TEXT)},
        {"url": string(limits.URL), "fallback": string(limits.TEXT), **_STYLED},
        typed=True,
    ),
    "color": record({"value": _word}, _STYLED, typed=True),
}
_SECTION = record({"elements": array(by_type(_RICH), 0, limits.RICH_PARTS)}, typed=True)
_BORDER: dict[str, Check] = {"border": number(0, 1)}
RICH_TEXT_ELEMENTS = array(
    by_type(
        {
            "rich_text_section": _SECTION,
            "rich_text_list": record(
                {
                    "style": one_of("bullet", "ordered"),
                    "elements": array(
                        by_type({"rich_text_section": _SECTION}), 1, limits.RICH_PARTS
                    ),
                },
                {"indent": number(0, limits.LIST_INDENT), "offset": number(0), **_BORDER},
                typed=True,
            ),
            "rich_text_preformatted": record(
                {
                    "elements": array(
                        by_type({"text": _RICH["text"], "link": _RICH["link"]}),
                        0,
                        limits.RICH_PARTS,
                    )
                },
                {"language": _word, **_BORDER},
                typed=True,
            ),
            "rich_text_quote": record(
                {"elements": array(by_type(_RICH), 0, limits.RICH_PARTS)}, _BORDER, typed=True
            ),
        }
    ),
    0,
    limits.RICH_PARTS,
)

RICH_TEXT_BLOCK = record({"elements": RICH_TEXT_ELEMENTS}, {"block_id": BLOCK_ID}, typed=True)
RICH_TEXT = by_type({"rich_text": RICH_TEXT_BLOCK})
