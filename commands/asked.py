"""What a command is given: the line understood, who typed it and where, and what it may reach."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.audit import By, Surface
from bot.domain.build import Build
from bot.domain.rollout import Actor, Rollout
from bot.text import Texts
from bot.workflows.edges import Edges, Place
from commands.command import Invocation


def _nobody(_: object) -> None:
    """A card with a link tells people."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`texts` are in the reader's language; `wake` tells the engine that a rollout has changed."""

    invocation: Invocation
    actor: Actor
    channel: str
    edges: Edges
    texts: Texts
    wake: Callable[[Rollout], None]
    surface: str = Surface.SLASH
    trigger: str = ""  # opens one modal, within three seconds of the line or click
    thread: str = ""  # typed as a mention in this thread
    underway: Callable[[Rollout], None] = _nobody  # hears of what was asked for before
    building: Callable[[Build], None] = _nobody  # hears of the build that was begun, or is followed

    @property
    def place(self) -> Place:
        """The service and environment of the line, for commands that require both."""
        invocation, catalog = self.invocation, self.edges.catalog
        assert invocation.service is not None
        assert invocation.environment is not None
        return Place(
            catalog.service(invocation.service), catalog.environment(invocation.environment)
        )

    @property
    def by(self) -> By:
        """Who asks and through what, as the audit log says it."""
        return By(self.actor.id, self.surface)

    def title(self, place: Place) -> str:
        return title(place, self.texts)


def title(place: Place, texts: Texts) -> str:
    """The environment's name in the language of these texts."""
    return place.environment.title.to(texts.language)
