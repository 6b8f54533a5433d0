"""The sentences exist in every language, and a catalog that lacks one is refused at the start."""

from pathlib import Path

import pytest

from bot.text import LANGUAGES, TextError, Texts, disagreements, placeholders, read


def a_folder(root: Path, language: str, **topics: str) -> Path:
    folder = root / language
    folder.mkdir()
    for topic, content in topics.items():
        (folder / f"{topic}.toml").write_text(content, encoding="utf-8")
    return folder


def test_all_languages_have_the_same_sentences_and_placeholders() -> None:
    catalogs = {language: dict(Texts.of(language).entries) for language in LANGUAGES}
    assert disagreements(catalogs) == []
    assert len(catalogs["en"]) > 100


def test_no_sentence_is_the_same_in_both_languages_by_oversight() -> None:
    """What is meant to be the same is a unit, an arrow, or a name."""
    english, spanish = Texts.of("en").entries, Texts.of("es").entries
    same = {
        key
        for key in english.keys() & spanish.keys()
        if english[key] == spanish[key]
        and any(w.islower() and len(w) > 3 for w in _words(english[key]))
    }
    assert same == set()


def _words(template: str) -> list[str]:
    outside, depth = "", 0
    for character in template:
        depth += (character == "{") - (character == "}")
        outside += character if not depth and character.isalpha() else " "
    return outside.split()


def test_every_disagreement_is_told_at_once() -> None:
    told = disagreements(
        {
            "en": {"a": "{x}", "b": "b", "c.one": "1", "c.other": "{count}"},
            "es": {"a": "{y}", "c.one": "1", "c.other": "{count}", "d.one": "x"},
        }
    )
    assert told == [
        "a has different placeholders: en ['x']; es ['y']",
        "es: b is missing",
        "en: d is missing",
        "es: d lacks a plural form",
    ]


def test_all_files_of_a_folder_are_one_catalog(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, "en", one='[a]\nb = "1"', two='[a]\nc = "2"')
    assert read(folder) == {"a.b": "1", "a.c": "2"}


def test_a_key_that_two_files_claim_is_refused(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, "en", one='[a]\nb = "1"', two='[a]\nb = "2"')
    with pytest.raises(TextError, match=r"a.b is said twice"):
        read(folder)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, "en", one="[a\nb")
    with pytest.raises(TextError, match=r"en/one.toml"):
        read(folder)


@pytest.mark.parametrize("content", ["a = 1", 'a = ""', "a = ['x']"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(TextError, match="a is no text"):
        read(a_folder(tmp_path, "en", one=content))


@pytest.mark.parametrize("template", ["{a.__class__}", "{a[0]}", "{}", "{a!r}", "{a:>10}", "{a"])
def test_braces_hold_nothing_but_names(template: str) -> None:
    with pytest.raises(TextError):
        placeholders(template)


def test_braces_in_a_value_are_only_text() -> None:
    assert Texts.of("en")("common.quoted", words="{environment}") == "“{environment}”"


def test_a_sentence_is_chosen_by_count() -> None:
    texts = Texts.of("es")
    assert texts("rollout.progress.old", count=1) == "1 anterior"
    assert texts("rollout.progress.old", count=0) == "0 anteriores"


def test_a_missing_key_or_value_is_a_bug_and_says_which() -> None:
    texts = Texts.of("en")
    with pytest.raises(TextError, match=r"there is no text no.such"):
        texts("no.such")
    with pytest.raises(TextError, match=r"common.quoted needs the value 'words'"):
        texts("common.quoted")


def test_a_code_from_another_version_never_raises() -> None:
    texts = Texts.of("en")
    assert texts.say("verdict.FROM_THE_FUTURE", {}, "FROM_THE_FUTURE") == "FROM_THE_FUTURE"
    assert texts.say("common.quoted", {}, "") == "“…”"


@pytest.mark.parametrize(
    ("asked", "given"), [("es", "es"), ("es-MX", "es"), ("ES_es", "es"), ("de", "en"), ("", "en")]
)
def test_a_reader_of_another_language_reads_english(asked: str, given: str) -> None:
    assert Texts.of(asked).language == given
