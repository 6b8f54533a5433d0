"""Which byte of a Secret's data is wrong: as Go's encoding/base64 says it, by its own table."""

import pytest

from bot.sandbox.kubernetes import decoding
from bot.sandbox.kubernetes.texts import DecodeError

WRONG = {
    "!!!!": 0,
    "====": 0,
    "x===": 1,
    "=AAA": 0,
    "A=AA": 1,
    "AA=A": 2,
    "AA==A": 4,
    "AAA=AAAA": 4,
    "AAAAA": 4,
    "AAAAAA": 4,
    "A=": 1,
    "A==": 1,
    "AA=": 3,
    "AAAAAA=": 7,
    "YWJjZA=====": 8,
    "A!\n": 1,
    "A=\n": 1,
}


@pytest.mark.parametrize("text", WRONG)
def test_the_first_byte_that_cannot_be_is_named(text: str) -> None:
    with pytest.raises(DecodeError, match=f"input byte {WRONG[text]}$"):
        decoding.decode("Secret", {"data": {"key": text}})


@pytest.mark.parametrize("text", ["", "\n", "AAAA", "AAAA\n", "AAA=", "AAA=\n", "AA==", "AA\r\n=="])
def test_what_is_whole_is_taken_with_its_line_ends(text: str) -> None:
    assert decoding.decode("Secret", {"data": {"key": text}})[1] == []
