"""No sentence that a person reads stands outside the catalogs: the code itself is read for them.

A sentence is a literal in which two words follow one another, in what makes cards, runs commands,
decides and judges. What may stand there all the same is said below: what developers read
(docstrings, logs, exceptions), patterns, typed lines and SQL.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.vocabulary import VERBS

ROOT = Path(__file__).parents[2]
READ = ("bot/cards", "bot/workflows", "bot/engine", "bot/domain", "commands")
FILES = sorted(path for folder in READ for path in (ROOT / folder).rglob("*.py"))

_TWO_WORDS = re.compile(r"(?<![^\W\d_])[^\W\d_]{2,}[,;:.!?…]*\s+[^\W\d_]{2,}")
_TYPED = re.compile(rf"({'|'.join(verb.name for verb in VERBS)}) ")
_FOR_DEVELOPERS = frozenset({"log", "logger", "logging", "warnings"})
_PATTERNS = frozenset({"re", "re2"})


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every literal that reads like a sentence and is none of the exceptions."""
    tree = ast.parse(source)
    excused = {id(node) for node in _excused(tree)}
    for node in ast.walk(tree):
        if id(node) in excused:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(piece.value) if isinstance(piece, ast.Constant) else "…"
                for piece in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if _TWO_WORDS.search(text) and not _TYPED.match(text):
            yield node.lineno, text


def _excused(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        match node:
            case ast.Expr(ast.Constant() as said):  # docstrings, and those of attributes
                yield said
            case ast.Raise(exc=ast.AST() as raised):
                yield from ast.walk(raised)
            case ast.Assert(msg=ast.AST() as told):
                yield from ast.walk(told)
            case ast.Call(ast.Attribute(ast.Name(name)), arguments, keywords) if (
                name in _FOR_DEVELOPERS | _PATTERNS
            ):
                for argument in (*arguments, *keywords):
                    yield from ast.walk(argument)
            case ast.JoinedStr(pieces):  # read as one
                yield from (piece for piece in pieces if isinstance(piece, ast.Constant))


_NOT_READ = {
    "bot/domain/patience.py": "a table with the sources of its rules",
    "bot/domain/secret_kinds.py": "patterns, and the proper names of what they find",
    "bot/domain/metric_queries.py": "the query language of Prometheus",
    "bot/domain/running_troubles.py": "begins and ends of the kubelet's own words, to find them",
}
_ALLOWED = {
    "bot/cards/details.py": {"… describe deployment …", "… describe pod …"},  # kubectl
    "bot/domain/integration.py": {"get deployment/… in …"},  # what was asked of the cluster
    "bot/domain/log_query.py": {"too large", "repetition size"},  # words of RE2
    "bot/domain/start_troubles.py": {"Failed to pull"},  # words of the kubelet
    "commands/lock.py": {"/dynamo locks …"},
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_stands_outside_the_catalogs(path):
    name = str(path.relative_to(ROOT))
    if name in _NOT_READ:
        return
    allowed = _ALLOWED.get(name, set())
    found = list(sentences(path.read_text(encoding="utf-8")))
    assert [(line, text) for line, text in found if text not in allowed] == []
    assert allowed <= {text for _, text in found}, "what is not there needs no permission"


@pytest.mark.parametrize(
    "inserted",
    [
        'section(Mrkdwn("The rollout was refused."))',
        "return notice_card(texts, f'{who} has no right to do that')",
        'parts.append(Part(section(say(texts, "a.key", why="nothing to do"))))',
        'TITLES = {"ok": "Todo está bien"}',
        'def label(name: str = "no name given"): ...',
        'words = "Sin" " permiso para eso"',
        'key = "refused" if late else "too late, ask again"',
        'text = "".join(["deploys ", f"{count} pods are gone"])',
    ],
)
def test_a_sentence_that_is_inserted_is_found(inserted):
    assert len(list(sentences(inserted))) == 1


@pytest.mark.parametrize(
    "excused",
    [
        '"""What a module is for."""',
        'log.warning("the store of %s is gone", place)',
        'raise ValueError(f"no such thing as {name}")',
        'PATTERN = re.compile("Failed to pull|no such image")',
        'line = f"deploy {service} qa"',
        'texts("notice.not_yours", roles="qa")',
    ],
)
def test_what_developers_read_or_people_type_is_no_sentence(excused):
    assert list(sentences(excused)) == []


def test_what_is_not_read_is_there():
    assert _NOT_READ.keys() <= {str(path.relative_to(ROOT)) for path in FILES}
