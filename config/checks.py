"""Checks that the file and the environment share: addresses, and how a failed check is said."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from pydantic_core import PydanticCustomError

_LOOPBACK = re.compile(r"(.+\.)?localhost|127(\.[0-9]{1,3}){3}|::1", re.IGNORECASE)


def wrong(message: str, fix: str) -> PydanticCustomError:
    """For a pydantic validator to raise: what is wrong, and what would be right."""
    return PydanticCustomError("wrong", "{message}", {"message": message, "fix": fix})


def is_loopback(host: str | None) -> bool:
    return host is not None and _LOOPBACK.fullmatch(host) is not None


def split_url(text: str) -> SplitResult | None:
    """None when it cannot be an address; urllib alone accepts spaces and ports of text."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        return None
    return parts


def https_url(text: str, example: str) -> str:
    """The address without a slash at its end; http is for this machine only. Raises `wrong`."""
    fix = f"write it like {example}; http only for this machine"
    parts = split_url(text)
    if parts is None or not parts.hostname or not parts.scheme:
        raise wrong("is no URL", fix)
    if parts.username or parts.password:
        raise wrong("holds a user name or password", "leave the credentials out")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise wrong("is not https", fix)
    if parts.query or parts.fragment:
        raise wrong("has a query or fragment", "end it after the path")
    return text.rstrip("/")
