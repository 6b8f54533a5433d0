"""Files that are no configuration at all: a clear answer, soon, whatever they hold."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.catalog import CatalogError, load_catalog
from config.mistakes import Mistake
from config.reading import MOST_BYTES, UnreadableError, parse_yaml

LAUGHS = (
    "a0: &a0 [lol, lol, lol]\n"
    + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
    )
    + "services: *a11\n"
)


def said(path: Path) -> str:
    began = time.process_time()
    with pytest.raises(CatalogError) as caught:
        load_catalog(path)
    assert time.process_time() - began < 1.0
    assert all(mistake.path == str(path) for mistake in caught.value.mistakes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ":1:1: is empty"),
        (b"# only a comment\n", ":1:1: is empty"),
        (b"---\n", "is empty"),
        (b"a: 1\nb: \xff\xfe\n", ":2:4: is not UTF-8; save it as UTF-8"),
        ("language: español".encode("latin-1"), "is not UTF-8"),
        ("language: en".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (b"language: en\n\x00\x01\x02", ":2:1: is binary"),
        (b"language: en\n\x07", "is no YAML"),
        (bytes(range(256)) * 64, "is binary"),
        (b"\x7fELF\x02\x01\x01", "is no YAML"),
        (b"language: en\n\tregistry: x\n", "indent with spaces"),
        (b"language: en\nregistry: a: b\n", ":2:12: is no YAML: mapping values"),
        (b"language: 'en\n", "is no YAML"),
        (b"language: [en\n", "is no YAML"),
        (b"a: 1\n---\nb: 2\n", "holds several documents"),
        (b"language: !!python/object/apply:os.system ['true']\n", "tag tag:yaml.org,2002:python"),
        (b"language: !secret x\n", "tag !secret"),
        (b"base: &base {a: 1}\nother:\n  <<: *base\n", "merge key <<"),
        (b"? [a, b]\n: 1\n", "a key must be a plain word"),
        (b"*x : 1\n", "alias *x"),
        (b"port: 0b_\n", "unknown key"),
        (b"port: 99999999999999999999999999\n", "number is too long"),
        (b"port: 1e999\n", "unknown key"),
        (b"when: 2026-99-99\n", "YAML readers disagree about 2026-99-99"),
        (b"%YAML 9.9\n---\na: 1\n", "is no YAML"),
        (b"[" * 100_000, "nested deeper than 40 levels"),
        (b"- " * 100_000, "nested deeper than 40 levels"),
        (b"{a: " * 50_000, "nested deeper than 40 levels"),
        (b"".join(b" " * level + b"a:\n" for level in range(900)), "nested deeper"),
        (b"- a\n" * 120_000, "holds more than 50000 values"),
        (b"a: " + b"x" * (MOST_BYTES - 10), "unknown key"),
        (b"a: " + b"9" * (MOST_BYTES - 10), "number is too long"),
        (b"&a a: 1\n" * 10_000, "anchor &a"),
        (b"a: 1\n" * 100_000, "is here twice"),
        (LAUGHS.encode(), "alias *a0; write the value out"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else None,
)
def test_a_file_that_is_no_configuration_is_refused_soon(
    written: Callable[[bytes], Path], content: bytes, message: str
) -> None:
    assert message in said(written(content))


def test_a_file_of_50_mb_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "dynamo.yml"
    with path.open("wb") as file:
        file.write(b"a: 1\n")
        file.truncate(50 * 1024 * 1024)
    assert "is larger than 512 KiB" in said(path)


def test_a_file_that_grows_while_it_is_read_is_still_limited(tmp_path: Path) -> None:
    path = tmp_path / "dynamo.yml"
    path.write_bytes(b"#" * (MOST_BYTES + 1))
    assert "is larger than 512 KiB" in said(path)


def test_what_is_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    assert "is not a file" in said(tmp_path)
    assert "cannot be read: No such file or directory" in said(tmp_path / "missing.yml")
    assert "is no name of a file" in said(tmp_path / "nul\0byte")
    os.mkfifo(tmp_path / "pipe.yml")
    assert "is not a file" in said(tmp_path / "pipe.yml")


def test_an_endless_device_is_not_read() -> None:
    with pytest.raises(CatalogError, match="is not a file"):
        load_catalog("/dev/zero")


def test_a_byte_order_mark_does_no_harm(
    written: Callable[[bytes], Path], sample_path: Path
) -> None:
    path = written(b"\xef\xbb\xbf" + sample_path.read_bytes())
    assert load_catalog(path).first.name == "dev"


def test_windows_line_ends_do_no_harm(written: Callable[[bytes], Path], sample_path: Path) -> None:
    path = written(sample_path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_catalog(path).first.name == "dev"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 0644", {"a": 420}),
        ("a: 0o644", {"a": 420}),
        ("a: 0x1F", {"a": 31}),
        ("a: 1.10", {"a": 1.1}),
        ("a: '1.10'", {"a": "1.10"}),
        ("a: -3", {"a": -3}),
        ("a: 1.4.0", {"a": "1.4.0"}),
        ("a: 100m", {"a": "100m"}),
        ("a: y", {"a": "y"}),
        ("a:", {"a": None}),
        ("a: ~", {"a": None}),
        ("a: ''", {"a": ""}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("- {a: [1, {b: true}]}\n- x", [{"a": [1, {"b": True}]}, "x"]),
        ("10: x", {"10": "x"}),
        ("{}", {}),
    ],
)
def test_plain_values_are_read_as_kubernetes_reads_them(text: str, value: object) -> None:
    document = parse_yaml(text, "file")
    assert document.value == value
    assert document.mistakes == ()


def test_a_mistake_deep_inside_is_placed_at_what_exists_around_it() -> None:
    document = parse_yaml("a:\n  - b: 1\n  - c: 2\n", "file")
    assert document.place(("a", 1, "c")) == (3, 5)
    assert document.place(("a", 1, "missing", "deeper")) == (3, 5)
    assert document.place(("nothing",)) == (1, 1)


@settings(max_examples=400, deadline=None)
@given(st.text(st.characters(codec="utf-8")))
@example("a: &a [*a]")
@example("? ? ?")
@example("- - - ? -")
def test_any_text_is_a_document_or_unreadable(text: str) -> None:
    mistakes: tuple[Mistake, ...] = ()
    try:
        mistakes = parse_yaml(text, "file").mistakes
    except UnreadableError as error:
        mistakes = error.mistakes or (Mistake("file", 0, 0, "nothing was said"),)
    assert all(mistake.line >= 1 for mistake in mistakes)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300), st.integers(0, 6_000), st.integers(0, 60))
def test_a_damaged_sample_is_a_catalog_or_a_list_of_mistakes(
    tmp_path: Path, sample_path: Path, noise: bytes, start: int, length: int
) -> None:
    whole = sample_path.read_bytes()
    path = tmp_path / "dynamo.yml"
    path.write_bytes(whole[:start] + noise + whole[start + length :])
    mistakes: tuple[Mistake, ...] = ()
    try:
        load_catalog(path)
    except CatalogError as error:
        mistakes = error.mistakes or (Mistake("file", 0, 0, "nothing was said"),)
    assert all(mistake.line >= 1 for mistake in mistakes)
