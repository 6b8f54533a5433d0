"""What a probe of an address came back with, and what is made of several. Pure.

A probe is one polite GET (`bot/ports/probes.py`). Whatever the other side does is a state of its
own: an address that hangs, redirects for ever or has a bad certificate is found, not crashed on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

CERTIFICATE_WARNS = timedelta(days=21)
CERTIFICATE_FAILS = timedelta(days=3)


class Reached(StrEnum):
    """How far a probe came; the words are in `bot/text` under `reached`."""

    ANSWERED = "ANSWERED"  # with a status, whichever
    FORBIDDEN = "FORBIDDEN"  # the address is none that is ever asked: this machine, metadata
    UNKNOWN_HOST = "UNKNOWN_HOST"  # the name has no address
    AWAY = "AWAY"  # no connection, or it was cut
    TIMED_OUT = "TIMED_OUT"
    BAD_CERTIFICATE = "BAD_CERTIFICATE"
    REDIRECTS = "REDIRECTS"  # too many of them
    DOWNGRADED = "DOWNGRADED"  # sent on from https to http
    TOO_LARGE = "TOO_LARGE"
    GARBLED = "GARBLED"  # no HTTP, or no address to be sent on to


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one GET. `seconds` is the time until its last byte, redirects included; `url` where it
    ended; `message` what a library said, for people who look into it."""

    reached: Reached
    status: int = 0
    seconds: float = 0.0
    url: str = ""
    message: str = ""

    @property
    def well(self) -> bool:
        """Served, or asked who is there: a route behind a login answers 401 to a probe, and one
        that is only written to 405."""
        served = 200 <= self.status < 400 or self.status in (401, 403, 405)
        return self.reached is Reached.ANSWERED and served

    @property
    def healthy(self) -> bool:
        """As a health endpoint: 2xx and nothing else."""
        return self.reached is Reached.ANSWERED and 200 <= self.status < 300

    @property
    def word(self) -> str:
        """The status as text, or how far it came."""
        return str(self.status) if self.reached is Reached.ANSWERED else str(self.reached)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a host presents. `expires_at` is unknown where it is not trusted."""

    reached: Reached
    expires_at: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Several answers of one route, as they are kept and compared."""

    times: tuple[float, ...]  # seconds, of answers that were well, in the order of asking
    bad: int = 0
    worst: str = ""  # the word of what was not well, the most frequent

    @property
    def asked(self) -> int:
        return len(self.times) + self.bad


def tally(answers: Iterable[Answer]) -> Tally:
    given = list(answers)
    words = [answer.word for answer in given if not answer.well]
    worst = max(dict.fromkeys(words), key=words.count, default="")
    return Tally(tuple(answer.seconds for answer in given if answer.well), len(words), worst)


def quantile(times: Sequence[float], share: float) -> float | None:
    """By linear interpolation between the two nearest of the sorted times; None of none."""
    if not times:
        return None
    if len(times) == 1 or share == 0.5:
        return float(median(times))
    ordered = sorted(times)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


class Expiry(StrEnum):
    FINE = "FINE"
    SOON = "SOON"
    ALMOST = "ALMOST"
    EXPIRED = "EXPIRED"


def expiry(expires_at: datetime, now: datetime) -> Expiry:
    left = expires_at - now
    if left <= timedelta():
        return Expiry.EXPIRED
    if left < CERTIFICATE_FAILS:
        return Expiry.ALMOST
    return Expiry.SOON if left < CERTIFICATE_WARNS else Expiry.FINE


def joined(base: str, *parts: str) -> str:
    """An address and paths, with one slash between them: a base URL may end in a path itself."""
    path = "/".join(part.strip("/") for part in parts if part.strip("/"))
    return f"{base.rstrip('/')}/{path}" if path else f"{base.rstrip('/')}/"
