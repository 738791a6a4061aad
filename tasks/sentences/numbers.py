"""How every number is written, on pages, in the terminal and in Markdown: `1,234`, `−0.12`, `45 %`, `–` for none.

Narrow no-break spaces keep a number and its unit on one line.
"""

from __future__ import annotations

import math
from datetime import date

NARROW = "\u202f"
MINUS = "\u2212"


def count(n: float | None) -> str:
    """A whole number with commas between the thousands; an en dash for none."""
    return decimal(None if n is None or not math.isfinite(n) else round(n), 0)


def decimal(value: float | None, places: int = 2) -> str:
    """Rounded, with a real minus sign; an en dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    rounded = round(value, places) or 0.0  # no "−0.00"
    return f"{rounded:,.{places}f}".replace("-", MINUS)


def signed(value: float | None, places: int = 2) -> str:
    """The same with a plus in front of what is positive: a difference."""
    return ("+" if value is not None and round(value, places) > 0 else "") + decimal(value, places)


def any_number(value: float) -> str:
    """A number of unknown meaning: whole as it is, else to four digits; never with an exponent for what is large."""
    if isinstance(value, int):
        return decimal(value, 0)
    if not math.isfinite(value):
        return str(value)
    return decimal(value, 0) if abs(value) >= 1000 else f"{value:.4g}".replace("-", MINUS)


def percent(share: float | None) -> str:
    """A share in 0-1 as whole per cent; finer below one per cent, so that rare does not read as never."""
    if share is None or not math.isfinite(share):
        return "–"
    if 0 < abs(share) < 0.0005:
        return f"<0.1{NARROW}%"
    return f"{decimal(100 * share, 1 if 0 < abs(share) < 0.00995 else 0)}{NARROW}%"


def interval_words(low: str, high: str) -> str:
    """`95 % interval 0.15 to 0.27`."""
    return f"95{NARROW}% interval {low} to {high}"


def probability(p: float | None) -> str:
    """A p-value to three places, or `< 0.001`."""
    return f"<{NARROW}0.001" if p is not None and p < 0.0005 else decimal(p, 3)


def models(n: int) -> str:
    """`1 model`, `30,000 models`."""
    return f"{count(n)} model{'s' * (n != 1)}"


def texts(n: int) -> str:
    """`1 text`, `30,000 texts`."""
    return f"{count(n)} text{'s' * (n != 1)}"


def rate(per_second: float | None) -> str:
    """Something per second: no decimals from a hundred on, two below ten."""
    if per_second is None or not math.isfinite(per_second):
        return "–"
    return decimal(per_second, 0 if per_second >= 99.5 else 1 if per_second >= 9.95 else 2)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.2 h`."""
    if seconds < 100:
        return f"{decimal(seconds, 1 if seconds < 9.95 else 0)}{NARROW}s"
    if seconds < 100 * 60:
        return f"{decimal(seconds / 60, 0)}{NARROW}min"
    return f"{decimal(seconds / 3600, 1)}{NARROW}h"


def money(cost: float | None) -> str:
    """Two decimals, four below a tenth; the currency is that of the price."""
    return decimal(cost, 2 if cost is None or cost >= 0.1 else 4)


def long_date(day: date) -> str:
    """`21 November 2026`."""
    return f"{day.day} {day:%B} {day.year}"
