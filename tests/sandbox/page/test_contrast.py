"""Contrast, computed from the tokens: WCAG 2.2 AA in both themes."""

from __future__ import annotations

import re

import pytest

from bot.sandbox.page import STATIC

TEXT, CONTROL = 4.5, 3.0

# What is written on what, as the style sheets pair them.
PAIRS = [
    *(
        (ink, ground, TEXT)
        for ink in ("ink", "ink-soft")
        for ground in ("paper", "ground", "raised")
    ),
    *(
        ("ink-faint", ground, TEXT)
        for ground in ("paper", "ground", "raised", "hover", "code", "private")
    ),
    ("ink-soft", "code", TEXT),
    ("accent", "paper", TEXT),
    ("accent", "raised", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-hover", TEXT),
    ("on-accent-soft", "accent-soft", TEXT),
    ("ink-faint", "accent-soft", CONTROL),
    *((tone, ground, TEXT) for tone in ("ok", "warn", "fail") for ground in ("paper", "raised")),
    *((tone, f"{tone}-soft", TEXT) for tone in ("ok", "warn", "fail")),
    ("on-fail", "fail", TEXT),
    ("on-fail", "fail-hover", TEXT),
    ("on-code", "code", TEXT),
    ("on-mention", "mention", TEXT),
    ("ink", "warn-soft", TEXT),
    *(("line-strong", ground, CONTROL) for ground in ("paper", "raised")),
    *(("accent", ground, CONTROL) for ground in ("ground", "hover")),
]


def tokens(theme: int) -> dict[str, str]:
    source = (STATIC / "css" / "tokens.css").read_text()
    pattern = r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)"
    return {name: (light, dark)[theme] for name, light, dark in re.findall(pattern, source)}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_formula_agrees_with_the_standard() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_pair_of_colours_contrasts(theme: int) -> None:
    colours = tokens(theme)
    faint = {
        f"{ink} on {ground}": round(contrast(colours[ink], colours[ground]), 2)
        for ink, ground, least in PAIRS
        if contrast(colours[ink], colours[ground]) < least
    }
    assert faint == {}


def test_style_sheets_take_colours_from_the_tokens() -> None:
    """A few fixed ones stay: the app's avatar, the paper of charts, one tint, shadows."""
    loose = {
        path.name: sorted(set(re.findall(r"#[0-9a-f]{3,6}\b", path.read_text())))
        for path in (STATIC / "css").glob("*.css")
        if path.name != "tokens.css"
    }
    assert {name: found for name, found in loose.items() if found} == {
        "blocks.css": ["#fff"],
        "message.css": ["#2f3ca8", "#5f677a", "#b9c2ff", "#fff"],
    }
