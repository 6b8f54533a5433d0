"""Bytes cut anywhere become whole, readable lines, and no cut lets a secret through."""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.log_lines import Level
from bot.domain.log_stream import LONGEST_LINE, LogReader
from bot.domain.redaction import MASK
from tests.redaction_corpus import private_key, secrets

STAMP = "2026-11-24T05:00:00.{:09}Z "


def stamped(*texts: str) -> bytes:
    lines = (STAMP.format(number) + text for number, text in enumerate(texts))
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass")


def texts_of(body: bytes, size: int = 1 << 30, **options: bool) -> list[str]:
    reader = LogReader(**options)
    found = []
    for start in range(0, len(body), size):
        found += reader.block(body[start : start + size]).lines()
    return [line.text for line in (*found, *reader.last_block().lines())]


def dice(letters: str, number: int, seed: int = 5) -> str:
    chance = random.Random(seed)
    return "".join(chance.choice(letters) for _ in range(number))


LINES = st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf")), max_size=40))


@settings(deadline=None)
@given(LINES, st.lists(st.integers(1, 60), min_size=1))
def test_wherever_the_bytes_are_cut_the_lines_are_the_same(texts, cuts):
    body = stamped(*texts)
    reader, found, place, index = LogReader(), [], 0, 0
    while place < len(body):
        size = cuts[index % len(cuts)]
        found += reader.block(body[place : place + size]).lines()
        place, index = place + size, index + 1
    assert [*found, *reader.last_block().lines()] == LogReader().block(body).lines()
    assert [line.stamp for line in found] == sorted(line.stamp for line in found)


@settings(deadline=None)
@given(st.binary(max_size=2_000))
def test_no_bytes_are_too_strange(body):
    texts_of(body)


def test_a_secret_is_masked_wherever_a_chunk_ends_in_it():
    body = stamped("before", "db password=hunter2hunter2 ok", "after")
    for size in range(1, len(body)):
        assert texts_of(body, size) == ["before", f"db password={MASK} ok", "after"]


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_secret_is_masked_in_a_stream(seed):
    planted = [each for each in secrets(seed) if "\\n" not in each.text]
    shown = texts_of(stamped(*(each.text for each in planted)), 1_000)
    for each, text in zip(planted, shown, strict=True):
        assert each.secret not in text, each.kind
        assert MASK in text, each.kind


def test_a_private_key_over_many_lines_is_masked_and_what_follows_is_not():
    key = private_key(dice)
    shown = texts_of(stamped("loaded key:", *key, "listening on 8080"))
    assert shown == ["loaded key:", *[MASK] * len(key), "listening on 8080"]


def test_a_private_key_is_masked_although_other_lines_come_in_between():
    key = private_key(dice, "")
    mixed = [line for each in key for line in (each, "GET /tasks 200 12ms")]
    shown = texts_of(stamped(*mixed), 77)
    assert shown == [MASK, "GET /tasks 200 12ms"] * len(key)


def test_a_private_key_within_json_lines_is_masked():
    key = private_key(dice)
    shown = "\n".join(texts_of(stamped(*(f'{{"level":"info","msg":"{line}"}}' for line in key))))
    assert not any(line in shown for line in key[1:-2])


def test_a_tail_that_begins_within_a_private_key_shows_nothing_of_it():
    key = private_key(dice)
    shown = texts_of(stamped(*key[3:], "listening"))
    assert shown == [*[MASK] * (len(key) - 3), "listening"]


def test_a_key_that_never_ends_does_not_hide_the_log():
    shown = texts_of(stamped(private_key(dice)[0], *["GET /tasks 200"] * 3))
    assert shown[1:] == ["GET /tasks 200"] * 3


@pytest.mark.parametrize("between", [*(chr(code) for code in range(32) if code != 10), "\x7f"])
def test_no_control_character_hides_a_secret_in_the_middle_of_a_log(between):
    token = "ghp_" + dice(string.ascii_letters, 36)
    reader = LogReader()
    reader.block(stamped("an ordinary line"))  # of the first block each line is looked at
    found = reader.block(stamped("on", f"ready {token[:9]}{between}{token[9:]} now", "on")).lines()
    assert [found[0].text, found[2].text] == ["on", "on"]
    if between != "\t":  # which is seen, and ends a word
        assert token[9:] not in found[1].text
        assert between not in found[1].text


def test_colours_and_what_nobody_sees_are_taken_out_before_anything_is_looked_for():
    body = stamped(
        "\x1b[32mpass\x1b[0mword=\x1b[1mhun\u200bter2hunter2\x1b[0m", "a\x00b\rc", "\x07"
    )
    assert texts_of(body) == [f"password={MASK}", "abc", ""]


def test_a_line_that_the_runtime_split_is_put_together_although_a_time_stands_between():
    """As kubelets before 1.20 wrote the parts of a long line."""
    secret = "AK" + "IA" + dice(string.ascii_uppercase, 16)
    head = "x" * (16 * 1024 - 8)
    whole = f"{head}{secret[:8]}2026-11-24T05:00:00.000000001Z {secret[8:]} tail"
    assert texts_of(stamped(whole)) == [f"{head}{MASK} tail"]


def test_a_long_line_without_times_in_it_stays_as_it_is():
    text = "word " * 8_000
    assert texts_of(stamped(text)) == [text]


def test_latin_1_is_read_line_by_line():
    body = b"2026-11-24T05:00:00.000000001Z a\xf1o\n" + stamped("año")
    assert texts_of(body) == ["año", "año"]


def test_of_a_line_without_end_so_much_is_kept_as_a_line_may_have():
    secret = "gh" + "p_" + dice(string.ascii_letters, 36)
    head = "x " * ((LONGEST_LINE - 60) // 2)
    body = stamped(head + secret + " y" * LONGEST_LINE, "next")
    shown = texts_of(body, 65_536)
    assert len(shown) == 2
    assert shown[1] == "next"
    assert shown[0].endswith(" …")
    assert LONGEST_LINE - 8_192 < len(shown[0]) <= LONGEST_LINE
    assert secret[:12] not in shown[0]


def test_a_line_without_a_blank_is_cut_before_what_may_be_half_a_secret():
    shown = texts_of(stamped("x" * 3 * LONGEST_LINE, "next"), 65_536)
    assert shown[1:] == ["next"]
    assert len(shown[0]) < LONGEST_LINE


def test_a_stack_has_the_level_of_its_error():
    body = stamped("level=info msg=ok", "TypeError: x", "    at list (a.js:1:1)", "fine")
    levels = [line.level for line in LogReader().block(body).lines()]
    assert levels == [Level.INFO, Level.ERROR, Level.ERROR, Level.UNKNOWN]


def test_what_the_kubelet_says_without_a_time_is_a_line_too():
    body = stamped("one") + b"unable to retrieve container logs for containerd://ab\n"
    found = LogReader().block(body).lines()
    assert found[1].text == "unable to retrieve container logs for containerd://ab"
    assert found[1].stamp == found[0].stamp


def test_addresses_are_masked_where_that_is_asked():
    body = stamped("login of elena@yourapp.com")
    assert texts_of(body) == ["login of elena@yourapp.com"]
    assert texts_of(body, emails=True) == [f"login of {MASK}"]
