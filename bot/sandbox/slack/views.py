"""Modals and App Homes: the open stacks, what their inputs hold, and their payload form."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.slack import limits
from bot.sandbox.slack.elements import conversation_of
from bot.sandbox.slack.errors import JSON, SchemaError, SlackError
from bot.sandbox.slack.messages import stored_blocks
from bot.sandbox.slack.workspace import Workspace


@dataclass(slots=True)
class View:
    """An open modal or a published home; `definition` is what the app sent, blocks as stored."""

    id: str
    user: str
    type: str
    definition: JSON
    hash: str
    root_view_id: str
    previous_view_id: str | None = None
    channel: str | None = None  # the conversation that its stack was opened from
    state: JSON = field(default_factory=dict)

    @property
    def callback_id(self) -> str:
        return str(self.definition.get("callback_id", ""))


@dataclass(frozen=True, slots=True)
class ViewEvent:
    """`kind` is `view_opened`, `view_pushed`, `view_updated`, `view_closed` or `home`."""

    kind: str
    view: View


class Views:
    def __init__(self, workspace: Workspace, tell: Callable[[ViewEvent], None]) -> None:
        self._workspace = workspace
        self._tell = tell
        self._views: dict[str, View] = {}
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    # -- modals ------------------------------------------------------------------------------------

    def open(self, user: str, definition: JSON, channel: str | None = None) -> View:
        """A new stack; an open one of that person goes, as one dialog is shown at a time."""
        self._refuse_taken(definition, None)
        for old in reversed(self._stacks.pop(user, [])):
            self._forget(old)
        view = self._make(user, definition, "modal", channel)
        self._stacks[user] = [view]
        self._tell(ViewEvent("view_opened", view))
        return view

    def push(self, user: str, definition: JSON, onto: str | None) -> View:
        """On top of the person's stack, from an interaction inside of it; three views at most."""
        stack = self._stacks.get(user, [])
        if onto is None or not any(view.id == onto for view in stack):
            where = "[json-pointer:/view/type]"
            raise SchemaError(
                "invalid_arguments",
                [f"must match the `type` of the root view whose stack we're pushing onto {where}"],
            )
        if len(stack) >= limits.VIEW_STACK:
            raise SlackError("push_limit_reached")
        self._refuse_taken(definition, None)
        view = self._make(user, definition, "modal", stack[0].channel)
        view.root_view_id = stack[0].id
        view.previous_view_id = stack[-1].id
        stack.append(view)
        self._tell(ViewEvent("view_pushed", view))
        return view

    def update(self, view: View, definition: JSON, expected_hash: str | None) -> View:
        if expected_hash is not None and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        self._refuse_taken(definition, view)
        self._fill(view, definition)
        kind = "home" if view.type == "home" else "view_updated"
        self._tell(ViewEvent(kind, view))
        return view

    def close(self, view: View) -> None:
        """Take a modal off its stack, with everything above it."""
        stack = self._stacks.get(view.user, [])
        if view in stack:
            for each in reversed(stack[stack.index(view) :]):
                stack.remove(each)
                self._forget(each)

    def clear(self, user: str) -> None:
        """Close the whole stack of a person."""
        for view in reversed(self._stacks.pop(user, [])):
            self._forget(view)

    def stack(self, user: str) -> tuple[View, ...]:
        return tuple(self._stacks.get(user, ()))

    # -- home --------------------------------------------------------------------------------------

    def publish(self, user: str, definition: JSON, expected_hash: str | None) -> View:
        home = self._homes.get(user)
        if home is not None:
            return self.update(home, definition, expected_hash)
        home = self._make(user, definition, "home")
        self._homes[user] = home
        self._tell(ViewEvent("home", home))
        return home

    def home(self, user: str) -> View | None:
        return self._homes.get(user)

    # -- kept between two runs of the sandbox ------------------------------------------------------

    def kept(self) -> JSON:
        """As orjson writes it."""
        return {
            "views": [*self._views.values()],
            "stacks": {user: [view.id for view in on] for user, on in self._stacks.items()},
            "homes": {user: view.id for user, view in self._homes.items()},
        }

    def resume(self, kept: JSON) -> None:
        """Go on from what `kept` gave, read back."""
        self._views = {each["id"]: View(**each) for each in kept["views"]}
        self._stacks = {
            user: [self._views[each] for each in ids] for user, ids in kept["stacks"].items()
        }
        self._homes = {user: self._views[each] for user, each in kept["homes"].items()}

    # -- both --------------------------------------------------------------------------------------

    def get(self, view_id: str | None, external_id: str | None = None) -> View:
        """A view by its id, or by the app's own; raises `not_found`."""
        for view in self._views.values():
            if view.id == view_id or (external_id and self._external_id(view) == external_id):
                return view
        raise SlackError("not_found")

    def find(self, view_id: str) -> View | None:
        return self._views.get(view_id)

    def wire(self, view: View) -> JSON:
        """The view object of payloads and answers: every key present, whatever the app left out."""
        sent = view.definition
        return copy.deepcopy(
            {
                "id": view.id,
                "team_id": self._workspace.team.id,
                "type": view.type,
                "blocks": sent.get("blocks", []),
                "private_metadata": sent.get("private_metadata", ""),
                "callback_id": view.callback_id,
                "state": {"values": view.state},
                "hash": view.hash,
                "title": sent.get("title"),
                "clear_on_close": bool(sent.get("clear_on_close", False)),
                "notify_on_close": bool(sent.get("notify_on_close", False)),
                "close": sent.get("close"),
                "submit": sent.get("submit"),
                "previous_view_id": view.previous_view_id,
                "root_view_id": view.root_view_id,
                "app_id": self._workspace.app.id,
                "external_id": self._external_id(view),
                "app_installed_team_id": self._workspace.team.id,
                "bot_id": self._workspace.app.bot_id,
            }
        )

    def _make(self, user: str, definition: JSON, kind: str, channel: str | None = None) -> View:
        view_id = self._workspace.new_id("V")
        view = View(view_id, user, kind, {}, "", root_view_id=view_id, channel=channel)
        self._fill(view, definition)
        self._views[view_id] = view
        return view

    def _fill(self, view: View, definition: JSON) -> None:
        blocks = stored_blocks(definition.get("blocks", []), self._workspace.new_id)
        view.definition = {**definition, "blocks": blocks}
        view.hash = f"{int(self._workspace.now().timestamp())}.{secrets.token_hex(4)}"
        present = {block["block_id"] for block in blocks}
        view.state = {key: value for key, value in view.state.items() if key in present}
        if view.channel is not None:
            view.state = {**conversation_of(blocks, view.channel), **view.state}

    def _forget(self, view: View) -> None:
        self._views.pop(view.id, None)
        self._tell(ViewEvent("view_closed", view))

    def _refuse_taken(self, definition: JSON, own: View | None) -> None:
        wanted = definition.get("external_id")
        for view in self._views.values():
            if wanted and view is not own and self._external_id(view) == wanted:
                raise SlackError("duplicate_external_id")

    @staticmethod
    def _external_id(view: View) -> str:
        return str(view.definition.get("external_id", ""))
