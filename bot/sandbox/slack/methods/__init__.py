"""The methods of the Web API, one module per family; importing them registers them."""

from bot.sandbox.slack.methods import (
    apps,
    chat,
    conversations,
    files,
    reactions,
    streams,
    users,
    views,
)

__all__ = ["apps", "chat", "conversations", "files", "reactions", "streams", "users", "views"]
