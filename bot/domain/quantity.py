"""Kubernetes quantities as numbers: `1000m` is 1, `1Gi` is 1024Mi. Pure.

Grammar: `k8s.io/apimachinery/pkg/api/resource`. A quantity that a server would not take is none.
"""

import re
from decimal import Decimal

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))"
    r"(?P<suffix>n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{1,2})?"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def parse_quantity(text: object) -> Decimal | None:
    """Exact; None for what is no quantity."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return None
    found = _QUANTITY.fullmatch(str(text).strip())
    if found is None:
        return None
    number, suffix = Decimal(found["number"]), found["suffix"] or ""
    if suffix in _BINARY:
        return number * Decimal(2 ** _BINARY[suffix])
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    scaled: Decimal = number.scaleb(exponent)
    return scaled


def same_quantity(one: object, other: object) -> bool:
    """Whether both say the same amount; False where one of them is no quantity."""
    first, second = parse_quantity(one), parse_quantity(other)
    return first is not None and first == second
