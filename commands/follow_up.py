"""A line that is said in a rollout's thread: what it leaves out is what the thread is about. Pure.

`@dynamo logs` in the thread of tasks-service in QA reads `logs tasks-service qa`. What the person
names goes first; what a verb leaves open on purpose stays open (`promote` finds the next
environment by itself). The line that comes of it is an ordinary one: same parser, same gates.
"""

from __future__ import annotations

from commands.command import Command, Invocation, Kind, UsageCode, UsageError
from commands.parser import parse
from commands.vocabulary import VERBS
from config.catalog import Catalog


def follow_up(
    text: str, service: str, environment: str, catalog: Catalog
) -> Invocation | UsageError:
    """Never raises. Where nothing can be filled in, the answer to the line as it was said."""
    said = parse(text, catalog, VERBS)
    verb = next((each for each in VERBS if each.name == said.command), None)
    if verb is None or not _leaves_out(said, verb):
        return said
    word, _, rest = text.strip().partition(" ")
    for names in _fillings(verb, service, environment):
        filled = parse(" ".join([word, *names, rest]), catalog, VERBS)
        if isinstance(filled, Invocation):
            return filled
    return said


def _leaves_out(said: Invocation | UsageError, verb: Command) -> bool:
    if isinstance(said, UsageError) and said.code is UsageCode.UNKNOWN_SERVICE:
        # `build main`: the word is the version that the verb needs. Elsewhere it is a misspelt
        # name, and must not become a version that nobody meant.
        return any(each.required and each.kind is Kind.VERSION for each in verb.arguments)
    if isinstance(said, UsageError):
        return said.code is UsageCode.MISSING_ARGUMENTS
    return said.service is None and said.environment is None


def _fillings(verb: Command, service: str, environment: str) -> list[tuple[str, ...]]:
    """The most that fits is taken. An environment that a verb can do without beside a service that
    it needs is the verb's own to choose."""
    needed = {each.kind for each in verb.arguments if each.required}
    taken = {each.kind for each in verb.arguments}
    chooses = Kind.SERVICE in needed and Kind.ENVIRONMENT not in needed
    every: list[tuple[str, ...]] = [(service, environment), (service,), (environment,)]
    if chooses:
        return [(service,)]
    needs = [{Kind.SERVICE, Kind.ENVIRONMENT}, {Kind.SERVICE}, {Kind.ENVIRONMENT}]
    return [names for names, kinds in zip(every, needs, strict=True) if kinds <= taken]
