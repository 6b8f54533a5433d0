"""Figures as people read them: with their unit, two or three digits, and the reader's own comma."""

from __future__ import annotations

from bot.domain.analysis import Unit
from bot.text import Texts

NONE = "–"
_BINARY = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
_SAME = 0.005  # less than half a percent is no change that a reader should see
_TIMES = 2.0  # from here on "×2.4" says more than "+140 %"


def figure(value: float | None, unit: Unit, texts: Texts) -> str:
    """ "0.09 %", "178 ms", "210 MiB", "4,310"; "–" where there is none."""
    if value is None:
        return NONE
    match unit:
        case Unit.RATIO:
            return f"{digits(100 * value, texts)} %"
        case Unit.SECONDS:
            return _seconds(value, texts)
        case Unit.BYTES:
            return _bytes(value, texts)
        case Unit.CORES:
            return f"{digits(value, texts)} CPU"
        case Unit.PER_SECOND:
            return f"{digits(value, texts)}/s"
        case Unit.COUNT:
            return digits(value, texts)


def change(before: float | None, after: float | None, texts: Texts) -> str:
    """ "×32", "+2 %", "=": how much more or less."""
    if before is None or after is None or before < 0 or after < 0:
        return NONE
    if before == 0:
        return "=" if after == 0 else texts("figure.from_zero")
    ratio = after / before
    if abs(ratio - 1) < _SAME:
        return "="
    if ratio >= _TIMES:
        return f"×{digits(ratio, texts)}"
    percent = round(100 * (ratio - 1), 9)  # 2, and not 2.0000000000000018
    return f"{'+' if percent > 0 else '−'}{digits(abs(percent), texts)} %"


def digits(value: float, texts: Texts) -> str:
    """Two digits that count, more where the number is large: 0.0213 is 0.021, 4310.2 is 4,310."""
    size = abs(value)
    if size >= 100 or value == int(value):
        shown = f"{value:,.0f}"
    elif size >= 10:
        shown = f"{value:.0f}" if size >= 20 else f"{value:.1f}"
    elif size >= 1:
        shown = f"{value:.1f}"
    elif size >= 1e-4:
        places = 2
        while size * 10**places < 10 and places < 5:
            places += 1
        shown = f"{value:.{places}f}".rstrip("0").rstrip(".")
    else:
        shown = f"{value:.0e}"
    return _with_comma(shown, texts)


def probability(p: float, texts: Texts) -> str:
    """ "p < 0.001", "p = 0.02"."""
    if p < 0.001:
        return _with_comma("p < 0.001", texts)
    return f"p = {digits(p, texts)}"


def _seconds(value: float, texts: Texts) -> str:
    if value < 0.9995:
        return f"{digits(1000 * value, texts)} ms"
    if value < 120:
        return f"{digits(value, texts)} s"
    return f"{digits(value / 60, texts)} min"


def _bytes(value: float, texts: Texts) -> str:
    for size, name in _BINARY:
        if abs(value) >= size:
            return f"{digits(value / size, texts)} {name}"
    return f"{digits(value, texts)} B"


def _with_comma(shown: str, texts: Texts) -> str:
    if texts.language != "es":
        return shown
    return shown.replace(",", "\u0000").replace(".", ",").replace("\u0000", ".")
