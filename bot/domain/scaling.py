"""How many pods somebody may ask for, and when they are asked back. Pure."""

from dataclasses import dataclass

from bot.domain.kind import Span

MOST = 1000
"""Where an environment says nothing: more is a slip of the finger."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A typed amount: a number of pods, or by how many more or fewer."""

    number: int
    relative: bool = False

    @classmethod
    def read(cls, text: str) -> "Asked":
        """`text` as the parser lets it through: 3, +1 or -1."""
        return cls(int(text), relative=text[:1] in "+-")

    def from_(self, now: int) -> int:
        return now + self.number if self.relative else self.number


def bounds_of(least: int | None, most: int | None) -> Span:
    return Span(least or 0, MOST if most is None else most)


def needs_question(number: int, *, confirm: bool) -> bool:
    """Nothing serves any more at 0, wherever that is."""
    return confirm or number == 0


def span_mistakes(least: str, most: str, bounds: Span) -> dict[str, str]:
    """What is wrong with the bounds that somebody entered for an autoscaler, by field ("least",
    "most"): NO_NUMBER, TOO_FEW (Kubernetes keeps at least one), TOO_MANY, CROSSED."""
    mistakes: dict[str, str] = {}
    read: dict[str, int] = {}
    for name, text in (("least", least), ("most", most)):
        text = text.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            mistakes[name] = "NO_NUMBER"
            continue
        read[name] = number = int(text)
        if number < max(1, bounds.least):
            mistakes[name] = "TOO_FEW"
        elif number > bounds.most:
            mistakes[name] = "TOO_MANY"
    if not mistakes and read["least"] > read["most"]:
        mistakes["most"] = "CROSSED"
    return mistakes
