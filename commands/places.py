"""Finds the place of each word among a command's arguments, by what it can mean.

Order is free: `deploy qa tasks` is `deploy tasks-service qa`. Words that can mean one thing only
go first, then short forms, then what looks like a version; a word that is still left is either
a misspelt name, a version, or one too many. A guess is never made between two meanings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from commands.command import Argument, Command, Kind, UsageCode, UsageError
from commands.suggest import Line, Refusal, replaced, without
from commands.typed import Word
from commands.words import (
    AMBIGUOUS,
    INVALID,
    NAMES,
    UNKNOWN,
    choices,
    is_filler,
    is_name,
    is_valid,
    look_up,
    looks_like_a_version,
    nearest_names,
    shown,
    tidy,
)
from config.catalog import Ambiguous, Catalog, Found
from config.lookup import fold, index, likeness, rank

MOST_WORDS = 12
"""No command takes so many; more cost time and mean nothing."""
MOST_WORDS_OF_TEXT = 200
"""Without quotes; with quotes a text may be as long as the line."""

_GRAMMATICAL = (Kind.VERSION, Kind.COUNT, Kind.DURATION)


def fill(
    line: Line,
    free: Sequence[int],
    command: Command,
    catalog: Catalog,
    commands: Sequence[Command],
) -> Mapping[str, str] | Refusal:
    """Values by argument name. `free` are the places of words that no option took."""
    filling = _Filling(line, command, catalog, commands)
    filling.pending = [place for place in free if not is_filler(line[place], catalog)]
    takes_text = any(argument.kind is Kind.TEXT for argument in command.arguments)
    most = MOST_WORDS_OF_TEXT if takes_text else MOST_WORDS
    if len(filling.pending) > most:
        return filling.too_many(filling.pending[most:])
    filling.place_quoted_text()
    filling.place_pinned()
    filling.place_exact()
    refusal = (
        filling.place_short()
        or filling.place_versions()
        or filling.refuse_unknown(required=True)
        or filling.place_rest(free)
        or filling.refuse_unknown(required=False)
    )
    if refusal is None and filling.pending:
        refusal = filling.too_many(filling.pending)
    return refusal or filling.refuse_missing() or filling.values


@dataclass(slots=True)
class _Filling:
    line: Line
    command: Command
    catalog: Catalog
    commands: Sequence[Command]
    pending: list[int] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    origin: dict[str, int] = field(default_factory=dict)
    """Which word of the line an argument came from."""

    def slot(self, kind: Kind) -> Argument | None:
        """The next free argument of a kind."""
        for argument in self.command.arguments:
            if argument.kind is kind and argument.name not in self.values:
                return argument
        return None

    def put(self, argument: Argument, place: int, value: str) -> None:
        self.values[argument.name] = value
        self.origin[argument.name] = place
        self.pending.remove(place)

    def place_quoted_text(self) -> None:
        argument = self.slot(Kind.TEXT)
        quoted = next((place for place in self.pending if self.line[place].quoted), None)
        if argument is not None and quoted is not None:
            self.put(argument, quoted, self.line[quoted].text)

    def place_pinned(self) -> None:
        for place in list(self.pending):
            word = self.line[place]
            argument = self.slot(word.kind) if word.kind else None
            if argument is None:
                continue
            if argument.kind not in NAMES:
                self.put(argument, place, word.text)
            elif isinstance(found := look_up(argument.kind, word.text, self.catalog), Found):
                self.put(argument, place, found.item.name)

    def place_exact(self) -> None:
        for place in list(self.pending):
            word = self.line[place]
            for kind in (Kind.SERVICE, Kind.ENVIRONMENT, Kind.COMMAND, Kind.COUNT, Kind.DURATION):
                argument = self.slot(kind)
                if argument is None or word.kind not in (None, kind):
                    continue
                if (value := self._exactly(kind, word.text)) is not None:
                    self.put(argument, place, value)
                    break

    def _exactly(self, kind: Kind, text: str) -> str | None:
        if kind in NAMES:
            found = look_up(kind, text, self.catalog)
            return found.item.name if isinstance(found, Found) and found.exact else None
        if kind is Kind.COMMAND:
            verb = index(self.commands).exact.get(fold(tidy(text)))
            return verb.name if verb else None
        return text if is_valid(kind, text) else None

    def place_short(self) -> Refusal | None:
        """Short forms; a word that could still be a service and an environment is refused."""
        while short := self._short_forms():
            place, names = min(short, key=lambda pair: len(pair[1]))
            if len(names) > 1:
                word = shown(self.line[place].text)
                return self._refusal(
                    UsageCode.AMBIGUOUS_WORD, place, tuple(names.values()), word=word
                )
            kind, name = next(iter(names.items()))
            argument = self.slot(kind)
            if argument is not None:
                self.put(argument, place, name)
        return None

    def _short_forms(self) -> list[tuple[int, dict[Kind, str]]]:
        short: list[tuple[int, dict[Kind, str]]] = []
        for place in self.pending:
            word = self.line[place]
            names: dict[Kind, str] = {}
            for kind in NAMES:
                if self.slot(kind) is None or word.kind not in (None, kind):
                    continue
                if isinstance(found := look_up(kind, word.text, self.catalog), Found):
                    names[kind] = found.item.name
            if names:
                short.append((place, names))
        return short

    def place_versions(self) -> Refusal | None:
        for place in list(self.pending):
            argument = self.slot(Kind.VERSION)
            if argument is None:
                return None
            word = self.line[place]
            if word.kind is None and looks_like_a_version(word.text):
                self.put(argument, place, word.text)
        return self._invalid(Kind.VERSION)

    def refuse_unknown(self, *, required: bool) -> Refusal | None:
        """The word and the argument that are most alike make the mistake that is told."""
        arguments = [
            argument
            for kind in (*NAMES, Kind.COMMAND)
            if (argument := self.slot(kind)) is not None and argument.required is required
        ]
        best: tuple[float, int, Argument] | None = None
        for place in self.pending[:MOST_WORDS]:
            for argument in arguments:
                word = self.line[place]
                if word.kind not in (None, argument.kind):
                    continue
                score = self._likeness(argument.kind, word.text)
                if best is None or score > best[0]:
                    best = (score, place, argument)
        if best is None:
            return None
        score, place, argument = best
        unclear = not required and score == 0 and len(arguments) > 1
        return self._unknown_word(place) if unclear else self._unknown(argument.kind, place)

    def _likeness(self, kind: Kind, text: str) -> float:
        if kind is Kind.COMMAND:
            return max(
                (likeness(tidy(text), word) for word in index(self.commands).exact), default=0.0
            )
        if isinstance(look_up(kind, text, self.catalog), Ambiguous):
            return 1.0
        items = self.catalog.services if kind is Kind.SERVICE else self.catalog.environments
        return max((score for _, score in rank(tidy(text), items)), default=0.0)

    def _unknown(self, kind: Kind, place: int) -> Refusal:
        word = self.line[place]
        if kind is Kind.COMMAND:
            asked = self.command.name  # help about help tells nobody anything
            ranked = rank(tidy(word.text), self.commands)
            near = tuple(name for name, _ in ranked if name != asked)
            every = tuple(command.name for command in self.commands)
            return self._refusal(
                UsageCode.UNKNOWN_COMMAND, place, near, every, word=shown(word.text)
            )
        found = look_up(kind, word.text, self.catalog)
        if isinstance(found, Ambiguous):
            return self._refusal(
                AMBIGUOUS[kind], place, found.candidates, word=shown(word.text), kind=kind
            )
        near = nearest_names(kind, word.text, self.catalog)
        every = choices(kind, self.catalog)
        return self._refusal(UNKNOWN[kind], place, near, every, word=shown(word.text), kind=kind)

    def _unknown_word(self, place: int) -> Refusal:
        every = (*choices(Kind.SERVICE, self.catalog), *choices(Kind.ENVIRONMENT, self.catalog))
        word = shown(self.line[place].text)
        return self._refusal(UsageCode.UNKNOWN_WORD, place, (), every, word=word)

    def place_rest(self, free: Sequence[int]) -> Refusal | None:
        """What is left can only be a version, a number or text; a name here is one too many."""
        for kind in _GRAMMATICAL:
            for place in list(self.pending):
                argument, word = self.slot(kind), self.line[place]
                if argument and word.kind is None and not is_name(word.text, self.catalog):
                    self.put(argument, place, word.text)
            if refusal := self._invalid(kind):
                return refusal
        if self.pending and (argument := self.slot(Kind.TEXT)):
            taken = set(self.origin.values())
            rest = [place for place in free if place >= self.pending[0] and place not in taken]
            self.values[argument.name] = " ".join(self.line[place].text for place in rest)
            self.pending.clear()
        return None

    def _invalid(self, kind: Kind) -> Refusal | None:
        for argument in self.command.arguments:
            value = self.values.get(argument.name)
            if argument.kind is not kind or value is None or is_valid(kind, value):
                continue
            place = self.origin[argument.name]
            mended = value.strip(".,;:!?¡¿()[]{}<>'\"`*$ ")
            repairs = (
                (replaced(self.line, place, Word(mended, kind=kind)),)
                if is_valid(kind, mended)
                else ()
            )
            return Refusal(self._error(INVALID[kind], word=shown(value)), repairs)
        return None

    def too_many(self, extra: Sequence[int]) -> Refusal:
        """Repairs: leave out what is too much, or let it take the place of what came before."""
        words = tuple(shown(self.line[place].text) for place in extra[:10])
        error = self._error(UsageCode.TOO_MANY_WORDS, words=words, usage=self.command.usage)
        if len(self.pending) > MOST_WORDS:
            return Refusal(error)
        kinds = {kind for place in extra for kind in self._kinds(self.line[place])}
        instead = (
            without(self.line, self.origin[argument.name])
            for argument in self.command.arguments
            if argument.kind in kinds and argument.name in self.origin
        )
        return Refusal(error, (without(self.line, *extra), *instead))

    def _kinds(self, word: Word) -> tuple[Kind, ...]:
        """Whose place a word could have taken, had it been free."""
        if word.kind is not None:
            return (word.kind,)
        named = [
            kind for kind in NAMES if isinstance(look_up(kind, word.text, self.catalog), Found)
        ]
        return tuple(named) or _GRAMMATICAL

    def refuse_missing(self) -> Refusal | None:
        missing = [
            argument
            for argument in self.command.arguments
            if argument.required and argument.name not in self.values
        ]
        if not missing:
            return None
        every = {argument.name: choices(argument.kind, self.catalog) for argument in missing}
        error = self._error(
            UsageCode.MISSING_ARGUMENTS,
            missing=tuple(every),
            usage=self.command.usage,
            choices=every[missing[0].name],
        )
        only = [names[0] for names in every.values() if len(names) == 1]
        repairs = ((*self.line, *(Word(name) for name in only)),) if only else ()
        return Refusal(error, repairs)

    def _refusal(
        self,
        code: UsageCode,
        place: int,
        near: tuple[str, ...],
        every: tuple[str, ...] = (),
        *,
        word: str,
        kind: Kind | None = None,
    ) -> Refusal:
        repairs = tuple(replaced(self.line, place, Word(name, kind=kind)) for name in near)
        return Refusal(self._error(code, word=word, choices=near or every), repairs)

    def _error(self, code: UsageCode, **values: str | tuple[str, ...]) -> UsageError:
        return UsageError(code, values, command=self.command.name)
