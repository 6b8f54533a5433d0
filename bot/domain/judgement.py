"""What a judgement is given and what it gives back; `judge_rollout` itself stands in `judge.py`.

Kept apart from the rules so that the store, the engine and the replay can speak of changes and
memories without reading them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.kind import Span
from bot.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Change:
    """What was written to the cluster, and when: what a verdict is about.

    `generation` is the one that the write produced (None where a recording does not know it);
    `unchanged` says that the write altered nothing; `template` is the hash of the pod template
    after the write ("" when not known). `replicas` or `span` is what a scaling asked for, which has
    no template of its own.
    """

    at: datetime
    generation: int | None
    unchanged: bool = False
    template: str = ""
    replicas: int | None = None
    span: Span | None = None

    @property
    def scales(self) -> bool:
        return self.generation is None or self.replicas is not None or self.span is not None

    def reached(self, desired: int) -> bool:
        """Whether the number of pods that a workload is to have is what was asked for."""
        if self.span is not None:
            return self.span.holds(desired)
        return self.replicas is None or desired == self.replicas


@dataclass(frozen=True, slots=True)
class Memory:
    """What a judgement needs to remember from the looks before: when each trouble was first seen,
    and the words that the cluster has since replaced ("not found" becomes "Back-off pulling").

    Plain and small: it is stored with the rollout, so a restart forgets nothing.
    """

    first_seen: Mapping[str, datetime] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, the memory for the next look, and what would help that look.

    `again_at`: when the verdict may change although nothing happens in the cluster (a persistence
    rule runs out); None when only an event can change it. `wants_events`: the uids of objects
    whose Kubernetes Events would explain what their status does not say (a pod that is stuck in
    ContainerCreating, a ReplicaSet that creates none).
    """

    verdict: Verdict
    memory: Memory
    again_at: datetime | None = None
    wants_events: tuple[str, ...] = ()
