"""Clicks and choices on messages and views, submissions, closings, and options that are looked
up.
"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack import elements, entries, payloads
from bot.sandbox.slack.blocks import check_options, check_view
from bot.sandbox.slack.delivery import deliver
from bot.sandbox.slack.errors import JSON, ClientError, SchemaError, SlackError
from bot.sandbox.slack.people import held_state, person_of, place_of
from bot.sandbox.slack.services import Slack
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Message


def message_of(slack: Slack, user: str, channel_id: str, ts: str) -> Message:
    """A message that this person sees; raises `ClientError` otherwise."""
    channel = place_of(slack, user, channel_id)
    message = channel.by_ts.get(ts)
    if message is None or message.visible_to not in (None, user):
        raise ClientError("message_not_found", "This message is no longer there.", 404)
    return message


def view_of(slack: Slack, user: str, view_id: str) -> View:
    person_of(slack, user)
    view = slack.views.find(view_id)
    if view is None or view.user != user:
        raise ClientError("view_not_found", "This view is no longer open.", 404)
    return view


# -- block_actions ---------------------------------------------------------------------------------


async def act_on_message(slack: Slack, user: str, message: Message, used: JSON) -> JSON:
    """A click or a choice on a message; returns after the app's ack."""
    block_id, action_id = str(used.get("block_id", "")), str(used.get("action_id", ""))
    element = elements.acted_on(message.blocks, block_id, action_id)
    if user not in element.get("visible_to_user_ids", (user,)):
        raise ClientError("no_such_element", "This control is not shown to you.", 404)
    used = entries.checked_entry(slack, user, element, used)
    action = elements.action(element, block_id, used, slack.workspace.new_ts())
    _hold(slack, user, message, block_id, element, used)
    url = slack.urls.issue("actions", message.channel, user, source=message.ts)
    payload = payloads.message_action_of_block(
        slack,
        user=user,
        message=message,
        actions=[action],
        state=held_state(slack, user, message),
        url=slack.urls.absolute(url),
    )
    busy: JSON = {
        "event": "busy",
        "channel": message.channel,
        "message_ts": message.ts,
        "action_id": action_id,
        "block_id": block_id,
    }
    slack.streams.send(user, {**busy, "busy": True})
    result = await _interact(slack, user, payload)
    slack.streams.send(user, {**busy, "busy": False})
    return result


def _hold(
    slack: Slack, user: str, message: Message, block_id: str, element: JSON, used: JSON
) -> None:
    """Keep a choice for this person: choices on messages are not shared between people."""
    entry = elements.chosen_state(element, used)
    if entry is not None:
        held = slack.action_state.setdefault((user, message.channel, message.ts), {})
        block = held.setdefault(block_id, {})
        if isinstance(block, dict):
            block[element["action_id"]] = entry


async def act_in_view(slack: Slack, user: str, view: View, used: JSON) -> JSON:
    """A click or a choice in a modal or home; `state` may bring what the inputs hold by now."""
    block_id, action_id = str(used.get("block_id", "")), str(used.get("action_id", ""))
    blocks = view.definition["blocks"]
    element = elements.acted_on(blocks, block_id, action_id)
    used = entries.checked_entry(slack, user, element, used)
    action = elements.action(element, block_id, used, slack.workspace.new_ts())
    held = {**view.state, **entries.checked(slack, user, blocks, used.get("state") or {})}
    entry = elements.chosen_state(element, used)
    if entry is not None:
        held[block_id] = {**held.get(block_id, {}), action_id: entry}
    view.state = held
    payload = payloads.view_action_of_block(
        slack,
        user=user,
        view=view,
        actions=[action],
        state=elements.state(blocks, held),
    )
    return await _interact(slack, user, payload)


async def _interact(slack: Slack, user: str, payload: JSON) -> JSON:
    answer = await deliver(slack, "interactive", payload, accepts_payload=False)
    if answer.error is None:
        return {"ok": True}
    slack.streams.toast(user, "error", f"{slack.manifest.name} did not respond. Try again?")
    return {"ok": False, "error": answer.error}


# -- views -----------------------------------------------------------------------------------------


async def submit(slack: Slack, user: str, view: View, values: JSON) -> JSON:
    """Submit a modal; the app answers with nothing (it closes), errors, another view, or
    `clear`. What was chosen before by actions counts where `values` do not speak of it.
    """
    blocks = view.definition["blocks"]
    values = entries.checked(slack, user, blocks, values)
    view.state = elements.state(blocks, {**view.state, **values})
    wrong = elements.complaints(blocks, view.state)
    if wrong:
        return {"ok": False, "response_action": "errors", "errors": wrong}
    payload = payloads.view_submission(
        slack, user=user, view=view, response_urls=_response_urls(slack, user, view)
    )
    answer = await deliver(slack, "interactive", payload, accepts_payload=True)
    if answer.error is not None:
        slack.streams.toast(user, "error", "We had some trouble connecting. Try again?")
        return {"ok": False, "error": answer.error}
    try:
        return _follow(slack, user, view, answer.payload)
    except SlackError as refusal:
        slack.streams.toast(user, "error", f"The app's answer was refused: {refusal.code}")
        return {**refusal.body(), "ok": False}


def _follow(slack: Slack, user: str, view: View, answer: Any) -> JSON:
    action = answer.get("response_action") if isinstance(answer, dict) else None
    if action is None:
        slack.views.close(view)
        return {"ok": True}
    if action == "clear":
        slack.views.clear(user)
        return {"ok": True, "response_action": action}
    if action == "errors":
        errors = answer.get("errors") or {}
        inputs = {b["block_id"] for b in view.definition["blocks"] if b["type"] == "input"}
        unknown = sorted(set(errors) - inputs)
        if unknown or not errors:
            breaches = [f"no input block has this block_id: {each}" for each in unknown]
            raise SchemaError("invalid_arguments", breaches or ["missing required field: errors"])
        return {"ok": False, "response_action": action, "errors": errors}
    if action in ("update", "push"):
        definition = answer.get("view")
        check_view(definition, slack.files.usable, surface="modal")
        if action == "update":
            slack.views.update(view, definition, None)
        else:
            slack.views.push(user, definition, view.id)
        return {"ok": True, "response_action": action}
    raise SchemaError("invalid_arguments", [f"unsupported response_action: {action}"])


def _response_urls(slack: Slack, user: str, view: View) -> list[JSON]:
    """One per channel that was chosen in an input with `response_url_enabled`."""
    urls = []
    for block in view.definition["blocks"]:
        for element in elements.interactive(block):
            if element.get("response_url_enabled") is not True:
                continue
            held = view.state[block["block_id"]][element["action_id"]]
            channel = held.get("selected_conversation") or held.get("selected_channel")
            if channel in slack.workspace.channels:
                url = slack.urls.issue("actions", channel, user)
                urls.append(
                    {
                        "block_id": block["block_id"],
                        "action_id": element["action_id"],
                        "channel_id": channel,
                        "response_url": slack.urls.absolute(url),
                    }
                )
    return urls


async def close(slack: Slack, user: str, view: View) -> JSON:
    """Close a modal by hand; told to the app where it asked for that."""
    is_cleared = bool(view.definition.get("clear_on_close"))
    payload = payloads.view_closed(slack, user=user, view=view, is_cleared=is_cleared)
    if is_cleared:
        slack.views.clear(user)
    else:
        slack.views.close(view)
    if view.definition.get("notify_on_close"):
        await deliver(slack, "interactive", payload, accepts_payload=False)
    return {"ok": True}


# -- block_suggestion ------------------------------------------------------------------------------


async def suggest(slack: Slack, user: str, where: Message | View, used: JSON) -> JSON:
    """Options of an external select for what was typed so far."""
    blocks = where.blocks if isinstance(where, Message) else where.definition["blocks"]
    block_id, action_id = str(used.get("block_id", "")), str(used.get("action_id", ""))
    element = elements.find(blocks, block_id, action_id)
    value = str(used.get("value", ""))
    if len(value) < int(element.get("min_query_length", 3)):
        return {"ok": True, "options": []}
    payload = payloads.block_suggestion(
        slack, user=user, where=where, block_id=block_id, action_id=action_id, value=value
    )
    answer = await deliver(slack, "interactive", payload, accepts_payload=True)
    found = answer.payload if isinstance(answer.payload, dict) else {}
    if answer.error is not None:
        return {"ok": False, "error": answer.error, "options": []}
    try:
        check_options(found)
    except SchemaError as refusal:
        return {**refusal.body(), "options": []}
    return {"ok": True, **{key: found[key] for key in ("options", "option_groups") if key in found}}
