"""What a person types, as Slack sends it on: escaped, with mentions and links in angle brackets."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.sandbox.slack.errors import JSON
from bot.sandbox.slack.workspace import Workspace

_WORD = re.compile(
    r"(?<![\w@#/.])"
    r"(?:@(?P<name>[\w.-]*\w)"
    r"|#(?P<channel>[\w-]+)"
    r"|(?P<link>https?://[^\s<>|]+[^\s<>|.,;:!?)\"'])"
    r"|(?P<host>(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev)(?:/[^\s<>|]*)?)(?![\w.-]))"
)
_TAG = re.compile(r"<(@|#|!subteam\^|!|)([^<>|]+)(?:\|([^<>]*))?>")
_BROADCASTS = ("here", "channel", "everyone")


def escaped(text: str) -> str:
    """Slack's three escapes; a client does this to everything that is typed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@dataclass(frozen=True, slots=True)
class Names:
    """Who and what can be named in a workspace, by the word that is typed after @ or #."""

    users: dict[str, str]
    groups: dict[str, str]
    channels: dict[str, str]

    @classmethod
    def of(cls, workspace: Workspace) -> Names:
        users: dict[str, str] = {}
        for user in workspace.users.values():
            users.setdefault(user.display_name.casefold(), user.id)
            users[user.name.casefold()] = user.id
        groups = {group.handle.casefold(): group.id for group in workspace.usergroups.values()}
        channels = {c.name.casefold(): c.id for c in workspace.channels.values() if c.kind != "im"}
        return cls(users, groups, channels)


def typed(workspace: Workspace, text: str, *, with_names: bool, resolve: bool = True) -> str:
    """The text of a person's line.

    `with_names` writes `<@U1|ana>` (slash commands with `should_escape`), else `<@U1>` (messages);
    without `resolve` mentions and links stay as typed and only the three characters are escaped.
    """
    line = escaped(text)
    if not resolve:
        return line
    names = Names.of(workspace)

    def tag(found: re.Match[str]) -> str:
        if found["name"]:
            return _mention(workspace, names, found["name"], with_names) or found[0]
        if found["channel"]:
            target = names.channels.get(found["channel"].casefold())
            return f"<#{target}|{workspace.channels[target].name}>" if target else found[0]
        if found["link"]:
            return f"<{found['link']}>"
        return f"<http://{found['host']}|{found['host']}>"

    return _WORD.sub(tag, line)


def _mention(workspace: Workspace, names: Names, name: str, with_names: bool) -> str | None:
    word = name.casefold()
    if user_id := names.users.get(word):
        label = f"|{workspace.users[user_id].name}" if with_names else ""
        return f"<@{user_id}{label}>"
    if group_id := names.groups.get(word):
        label = f"|@{workspace.usergroups[group_id].handle}" if with_names else ""
        return f"<!subteam^{group_id}{label}>"
    return f"<!{word}>" if word in _BROADCASTS else None


def rich_text(text: str, block_id: str) -> JSON:
    """The block that Slack makes of a person's message."""
    elements: list[JSON] = []
    start = 0
    for found in _TAG.finditer(text):
        if found.start() > start:
            elements.append({"type": "text", "text": unescaped(text[start : found.start()])})
        elements.append(_element(found[1], found[2], found[3]))
        start = found.end()
    if start < len(text) or not elements:
        elements.append({"type": "text", "text": unescaped(text[start:])})
    section = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "block_id": block_id, "elements": [section]}


def _element(sign: str, target: str, label: str | None) -> JSON:
    match sign:
        case "@":
            return {"type": "user", "user_id": target}
        case "#":
            return {"type": "channel", "channel_id": target}
        case "!subteam^":
            return {"type": "usergroup", "usergroup_id": target}
        case "!":
            return {"type": "broadcast", "range": target}
        case _:
            shown = {"text": unescaped(label)} if label else {}
            return {"type": "link", "url": unescaped(target), **shown}
