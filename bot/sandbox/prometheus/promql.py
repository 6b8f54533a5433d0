"""The part of PromQL that dashboards of services are made of: text to a tree.

Selectors with matchers and ranges, functions, aggregations with `by`, arithmetic, comparisons and
`or`. What is not among them is a ParseError with its place, in Prometheus' own manner.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 10_000
DEEPEST = 60

_TOKEN = re.compile(
    r"\s*(?:(?P<duration>\[\s*(?:[0-9]+(?:ms|[smhdwy]))+\s*\])"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    r'|(?P<text>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')'
    r"|(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)"
    r"|(?P<sign>=~|!~|!=|==|>=|<=|[-+*/(){}=<>,]))"
)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
AGGREGATIONS = frozenset({"sum", "avg", "min", "max", "count"})
FUNCTIONS = {"rate": 1, "increase": 1, "histogram_quantile": 2, "vector": 1}
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"or"}),
    frozenset({">", "<", ">=", "<=", "==", "!="}),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
)


class ParseError(ValueError):
    """The query is none, or asks for what this Prometheus does not know."""


@dataclass(frozen=True, slots=True)
class Matcher:
    label: str
    accepts: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Selector:
    """`seconds` 0: an instant vector."""

    name: str
    matchers: tuple[Matcher, ...]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    operation: str
    by: tuple[str, ...]
    of: Node


@dataclass(frozen=True, slots=True)
class Binary:
    operation: str
    left: Node
    right: Node


Node = Number | Selector | Call | Aggregate | Binary


def parse(query: str) -> Node:
    """Raises ParseError."""
    if len(query) > LONGEST:
        raise ParseError("query too long")
    parser = _Parser(_tokens(query))
    node = parser.expression()
    parser.end()
    return node


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(query: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    query = query.rstrip()
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None or match.lastgroup is None:
            raise ParseError(f"1:{at + 1}: parse error: unexpected character: {query[at]!r}")
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    if not found:
        raise ParseError("1:1: parse error: no expression found in input")
    return found


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def expression(self, level: int = 0) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ParseError("1:1: parse error: nested too deeply")
        node = self._operand() if level == len(_LEVELS) else self._binary(level)
        self._depth -= 1
        return node

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._unexpected("end of input")

    def _binary(self, level: int) -> Node:
        left = self.expression(level + 1)
        while (token := self._peek()) is not None and token.text in _LEVELS[level]:
            self._next += 1
            left = Binary(token.text, left, self.expression(level + 1))
        return left

    def _operand(self) -> Node:
        token = self._take("an expression")
        if token.kind == "number":
            return Number(float(token.text))
        if token.text == "(":
            inside = self.expression()
            self._demand(")")
            return inside
        if token.text == "-":
            return Binary("*", Number(-1.0), self._operand())
        if token.kind != "name":
            self._next -= 1
            raise self._unexpected("an expression")
        if token.text in AGGREGATIONS:
            return self._aggregate(token.text)
        if self._is("("):
            return self._call(token)
        return self._selector(token.text)

    def _aggregate(self, operation: str) -> Node:
        by = self._by()
        self._demand("(")
        inside = self.expression()
        self._demand(")")
        return Aggregate(operation, by or self._by(), inside)

    def _by(self) -> tuple[str, ...]:
        if not self._is("by"):
            return ()
        self._next += 1
        self._demand("(")
        names = []
        while not self._is(")"):
            names.append(self._take("a label").text)
            if not self._is(")"):
                self._demand(",")
        self._demand(")")
        return tuple(names)

    def _call(self, token: _Token) -> Node:
        wanted = FUNCTIONS.get(token.text)
        if wanted is None:
            raise ParseError(
                f'1:{token.at + 1}: parse error: unknown function with name "{token.text}"'
            )
        self._demand("(")
        arguments = [self.expression()]
        while self._is(","):
            self._next += 1
            arguments.append(self.expression())
        self._demand(")")
        if len(arguments) != wanted:
            raise ParseError(
                f"1:{token.at + 1}: parse error: expected {wanted} argument(s) in call to "
                f'"{token.text}", got {len(arguments)}'
            )
        self._demand_ranges(token, arguments)
        return Call(token.text, tuple(arguments))

    def _demand_ranges(self, token: _Token, arguments: list[Node]) -> None:
        needs = token.text in ("rate", "increase")
        ranged = isinstance(arguments[0], Selector) and arguments[0].seconds > 0
        if needs and not ranged:
            raise ParseError(
                f"1:{token.at + 1}: parse error: expected type range vector in call to function "
                f'"{token.text}", got instant vector'
            )

    def _selector(self, name: str) -> Selector:
        matchers: list[Matcher] = []
        if self._is("{"):
            self._next += 1
            while not self._is("}"):
                matchers.append(self._matcher())
                if not self._is("}"):
                    self._demand(",")
            self._demand("}")
        token = self._peek()
        if token is None or token.kind != "duration":
            return Selector(name, tuple(matchers))
        self._next += 1
        return Selector(name, tuple(matchers), _seconds(token.text))

    def _matcher(self) -> Matcher:
        label = self._take("a label").text
        operation = self._take("an operator").text
        text = self._take("a string")
        if text.kind != "text" or operation not in ("=", "!=", "=~", "!~"):
            self._next -= 1
            raise self._unexpected("a label matcher")
        value = _unquoted(text.text)
        if operation == "=":
            return Matcher(label, lambda given: given == value)
        if operation == "!=":
            return Matcher(label, lambda given: given != value)
        try:
            pattern = re.compile(value)
        except re.error as error:
            raise ParseError(f"1:{text.at + 1}: parse error: {error}") from error
        if operation == "=~":
            return Matcher(label, lambda given: pattern.fullmatch(given) is not None)
        return Matcher(label, lambda given: pattern.fullmatch(given) is None)

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _is(self, text: str) -> bool:
        token = self._peek()
        return token is not None and token.text == text

    def _take(self, wanted: str) -> _Token:
        token = self._peek()
        if token is None:
            raise self._unexpected(wanted)
        self._next += 1
        return token

    def _demand(self, text: str) -> None:
        if not self._is(text):
            raise self._unexpected(f'"{text}"')
        self._next += 1

    def _unexpected(self, wanted: str) -> ParseError:
        token = self._peek()
        seen = f'"{token.text}"' if token else "end of input"
        at = token.at + 1 if token else (self._tokens[-1].at + len(self._tokens[-1].text) + 1)
        return ParseError(f"1:{at}: parse error: unexpected {seen}, expected {wanted}")


def _seconds(text: str) -> float:
    return sum(
        int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)(ms|[smhdwy])", text)
    )


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
