"""Resource quantities: "500m", "1.5Gi", "1e3", compared exactly, written as Kubernetes does.

Follows k8s.io/apimachinery/pkg/api/resource: a quantity keeps its kind of suffix (binary, decimal,
exponent), is rounded up to the nano, and is written with the largest suffix that leaves an integer.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"  # as the server's own message prints it
_FORM = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(.*)", re.DOTALL)
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]{1,3})")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = dict(
    zip(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), range(-9, 19, 3), strict=True)
)
_NANO = Decimal("1e-9")


class QuantityError(ValueError):
    """A text that is no quantity."""

    def __init__(self) -> None:
        super().__init__(f"quantities must match the regular expression '{PATTERN}'")


@lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[Decimal, str]:
    """The value, and how it was written: "binary", "decimal" or "exponent"."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise QuantityError
    sign, digits, suffix = match.groups()
    number = Decimal(f"{sign}{digits}")
    if suffix in _BINARY:
        value, form = number * 1024 ** _BINARY[suffix], "binary"
    elif suffix in _DECIMAL:
        value, form = number.scaleb(_DECIMAL[suffix]), "decimal"
    elif exponent := _EXPONENT.fullmatch(suffix):
        value, form = number.scaleb(int(exponent.group(1))), "exponent"
    else:
        raise QuantityError
    return _to_nano(value), form


def _to_nano(value: Decimal) -> Decimal:
    if value == value.to_integral_value():
        return value
    return value.quantize(_NANO, rounding=ROUND_CEILING)


def parse(value: str | int | float) -> Decimal:
    """The exact value. Raises QuantityError."""
    return _parse(str(value))[0]


def canonical(value: str | int | float) -> str:
    """As an answer shows it: "1000m" is "1", "1024Mi" is "1Gi". Raises QuantityError."""
    amount, form = _parse(str(value))
    if amount == 0:
        return "0"
    if form == "binary" and amount == amount.to_integral_value() and abs(amount) >= 1024:
        return _binary(int(amount))
    return _decimal(amount, exponent=form == "exponent")


def _binary(amount: int) -> str:
    suffix = ""
    for name in _BINARY:
        if amount % 1024:
            break
        amount //= 1024
        suffix = name
    return f"{amount}{suffix}"


def _decimal(amount: Decimal, *, exponent: bool) -> str:
    power = max(
        power
        for power in range(-9, 19, 3)
        if amount.scaleb(-power) == amount.scaleb(-power).to_integral_value()
    )
    digits = int(amount.scaleb(-power))
    if exponent:
        return f"{digits}e{power}" if power else str(digits)
    suffix = next(name for name, its_power in _DECIMAL.items() if its_power == power)
    return f"{digits}{suffix}"
