"""How long a server asks its clients to wait, by the headers of an answer. Every function accepts any header.

Providers agree on little. OpenAI and Groq send `x-ratelimit-remaining-requests` and a time span such as `6m0s`,
Cerebras adds the window to the name (`…-tokens-minute`), OpenRouter sends a point in time in milliseconds, the draft
of the IETF drops the `x-`. Azure sends -1 for what it does not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_REMAINING = re.compile(r"(x-)?ratelimit-remaining(-[a-z0-9-]+)?")
_UNITS_S = (86_400.0, 3600.0, 60.0, 1.0, 0.001)
_POINT_IN_TIME, _IN_MILLISECONDS = 1e9, 1e12  # a number as large as these is no span of seconds


def seconds_until(reset: str, now: float) -> float | None:
    """Seconds until a reset: a span (`6m0s`, `12.5`) or a point in time since 1970; null where it is neither."""
    text = reset.strip().lower()
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number < _POINT_IN_TIME:
            return number
        return max(0.0, (number / 1000 if number > _IN_MILLISECONDS else number) - now)
    if not text or not (span := _SPAN.fullmatch(text)):
        return None
    return sum(unit * float(part) for unit, part in zip(_UNITS_S, span.groups(), strict=True) if part)


def requested_pause_s(headers: Mapping[str, str], tokens_needed: int, now: float) -> float:
    """Seconds until another request of so many tokens fits the limits that an answer reports; 0 where it fits now."""
    pause = 0.0
    for name, remaining in headers.items():
        match = _REMAINING.fullmatch(name.lower())
        if match is None or not _NUMBER.fullmatch(remaining.strip()):
            continue
        prefix, what = match[1] or "", match[2] or ""
        needed = tokens_needed if "token" in what else 1
        if float(remaining) < needed:
            reset = headers.get(f"{prefix}ratelimit-reset{what}", "")
            pause = max(pause, seconds_until(reset, now) or 0.0)
    return pause
