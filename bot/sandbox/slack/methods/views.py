"""views.*: modals by trigger, stacks of them, edits with hashes, and the Home."""

from __future__ import annotations

from bot.sandbox.slack.blocks import check_view
from bot.sandbox.slack.errors import JSON, SlackError
from bot.sandbox.slack.views import View
from bot.sandbox.slack.web_api import Call, method


def _answer(call: Call, view: View) -> JSON:
    return {"view": call.slack.views.wire(view)}


def _trigger(call: Call) -> str:
    return call.text("trigger_id") or call.need("interactivity_pointer")


@method("views.open", tier="T4")
def open_(call: Call) -> JSON:
    """Schema first, so that a refused view does not use its trigger up."""
    trigger_id, definition = _trigger(call), call.structure("view")
    check_view(definition, call.slack.files.usable, surface="modal")
    trigger = call.slack.triggers.exchange(trigger_id)
    return _answer(call, call.slack.views.open(trigger.user, definition, trigger.channel))


@method("views.push", tier="T4")
def push(call: Call) -> JSON:
    trigger_id, definition = _trigger(call), call.structure("view")
    check_view(definition, call.slack.files.usable, surface="modal")
    trigger = call.slack.triggers.exchange(trigger_id)
    return _answer(call, call.slack.views.push(trigger.user, definition, trigger.view_id))


@method("views.update", tier="T4")
def update(call: Call) -> JSON:
    definition = call.structure("view")
    view = call.slack.views.get(call.text("view_id"), call.text("external_id"))
    check_view(definition, call.slack.files.usable, surface=view.type)
    return _answer(call, call.slack.views.update(view, definition, call.text("hash")))


@method("views.publish", tier="T4")
def publish(call: Call) -> JSON:
    user, definition = call.need("user_id"), call.structure("view")
    if not call.slack.manifest.home_tab:
        raise SlackError("not_enabled")
    if user not in call.slack.workspace.users:
        raise SlackError("user_not_found")
    check_view(definition, call.slack.files.usable, surface="home")
    return _answer(call, call.slack.views.publish(user, definition, call.text("hash")))
