"""What a judge model might have written in place of a digit, read from the log-probabilities of its tokens.

Tokenizers differ: a digit may share its token with the marks around it (`:1`, `1,`). So its token is found by the
digit's position in bytes, and an alternative counts for the digit that it would write at that position. Whatever a
server sends is read, or `VerdictInvalid` with the reason `no_probabilities`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, combinations, pairwise

from tasks.errors import VerdictInvalid
from tasks.judges.llm.decoding import Alternative, read_alternatives

# A judge model may be surer than this; no use of its log-odds may then depend on how much surer.
LOG_ODDS_MAX = 20.0

_IMPOSSIBLE = -9999.0  # vLLM's way to write minus infinity
_MASS_MAX = 1.01
_ROUNDING = 1e-6  # of a sum of probabilities in float32
_MOVE_MAX = 0.01


@dataclass(frozen=True, slots=True)
class DigitChoice:
    """Log-probability by digit, and of every listed token in the server's order."""

    logprobs: Mapping[str, float]
    listed: Sequence[float]

    @property
    def unlisted_max(self) -> float:
        """The most that a token can have that is not listed: what the listed ones leave.

        In a list of the most probable tokens it has no more than the last of them either; a list of requested tokens,
        in the order of the request, says nothing of others. In both, the token that was written may stand first.
        """
        left = math.log(max(1 - sum(map(math.exp, self.listed)), _ROUNDING))
        is_ranked = all(first >= second for first, second in pairwise(self.listed[1:]))
        return min(left, *self.listed) if is_ranked else left


class GeneratedTokens:
    """The tokens of an answer with their alternatives. VerdictInvalid where they do not spell the answer once."""

    def __init__(self, entries: object, answer: bytes) -> None:
        if not isinstance(entries, list) or not entries:
            raise _invalid("the reply has no log-probabilities")
        self._entries = entries
        self._tokens = list(map(_token, entries))
        self._ends = list(accumulate(map(len, self._tokens)))
        generated = b"".join(self._tokens)
        self._start = generated.find(answer)
        if self._start < 0 or generated.find(answer, self._start + 1) >= 0:
            raise _invalid("the log-probabilities do not belong to the answer")

    def digit_at(self, position: int) -> DigitChoice:
        """What could stand in place of the digit at this byte of the answer."""
        position += self._start
        index = bisect_right(self._ends, position)
        token = self._tokens[index]
        before = _unspaced(token[: position - (self._ends[index] - len(token))])
        listed = _listed(self._entries[index], token)
        digits: dict[str, float] = {}
        for alternative, logprob in listed.items():
            if digit := _digit_after(before, alternative):
                digits[digit] = _either(digits[digit], logprob) if digit in digits else logprob
        return DigitChoice(digits, list(listed.values()))


def log_odds(choice: DigitChoice) -> float:
    """The natural log-odds of "1" against "0", at most `LOG_ODDS_MAX` in size.

    Where only one of the two is listed, the other counts with the most that it can have, though not with more than the
    one that is: at temperature 0 the listed one was written because it is at least as probable. So the log-odds are
    then the smallest in size that the server's answer allows. VerdictInvalid where neither has any probability.
    """
    listed = {digit: choice.logprobs[digit] for digit in ("0", "1") if digit in choice.logprobs}
    most = max(listed.values(), default=_IMPOSSIBLE)
    if most <= _IMPOSSIBLE:
        raise _invalid("neither 0 nor 1 has any")
    unlisted = most if len(listed) == 2 else min(choice.unlisted_max, most)
    odds = listed.get("1", unlisted) - listed.get("0", unlisted)
    return max(-LOG_ODDS_MAX, min(LOG_ODDS_MAX, odds))


def probability_of(odds: float) -> float:
    """The probability that belongs to natural log-odds."""
    return 1 / (1 + math.exp(-odds))


def level_probabilities(choice: DigitChoice, digits: Sequence[str]) -> dict[str, float]:
    """The probabilities of the digits; they add up to 1. VerdictInvalid where one that is missing could matter."""
    listed = {digit: choice.logprobs[digit] for digit in digits if digit in choice.logprobs}
    # Subtracted before exp(): digits far below other tokens still compare.
    top = max(listed.values(), default=_IMPOSSIBLE)
    weights = {digit: _exp(logprob, top) for digit, logprob in listed.items()}
    total = sum(weights.values())
    if total <= 0:
        raise _invalid(f"no digit from {digits[0]} to {digits[-1]} has any")
    if len(weights) < len(digits):
        _refuse_if_missing_could_move(weights, _exp(choice.unlisted_max, top), digits)
    return {digit: weights.get(digit, 0.0) / total for digit in digits}


def _refuse_if_missing_could_move(weights: Mapping[str, float], most: float, digits: Sequence[str]) -> None:
    """Try every way to add digits that are not listed, each with the most that it can have."""
    missing = [int(digit) for digit in digits if digit not in weights]
    total = sum(weights.values())
    mean = sum(int(digit) * weight for digit, weight in weights.items()) / total
    for n in range(1, len(missing) + 1):
        for chosen in combinations(missing, n):
            moved = (mean * total + most * sum(chosen)) / (total + most * n)
            if abs(moved - mean) > _MOVE_MAX:
                names = ", ".join(map(str, missing))
                raise _invalid(f"none for {names}: could move the mean to {moved:.2f}")


# ------------------------------------------------------------------------------------------------- one token


def _invalid(problem: str) -> VerdictInvalid:
    return VerdictInvalid("no_probabilities", problem)


@lru_cache(maxsize=4096)  # answers consist of few tokens
def _digit_after(before: bytes, alternative: bytes) -> str | None:
    """The digit that the alternative writes after `before`; null where it writes something else. Blanks are free."""
    plain = _unspaced(alternative)
    digit, after = plain[len(before) : len(before) + 1], plain[len(before) + 1 : len(before) + 2]
    if plain.startswith(before) and digit.isdigit() and after in (b"", b",", b"}"):
        return digit.decode()
    return None


def _unspaced(token: bytes) -> bytes:
    return token.translate(None, b" \t\r\n")


def _token(entry: object) -> bytes:
    """The bytes that a token adds to the text, which may be part of a character; its name where they are missing."""
    if type(entry) is dict:
        raw = entry.get("bytes")
        try:
            if type(raw) is list:
                return bytes(raw)
            if raw is None:
                return str.encode(entry["token"], errors="replace")
        except (KeyError, TypeError, ValueError):  # no name, or no bytes
            pass
    raise _invalid("not a token")


def _listed(entry: Mapping[str, object], token: bytes) -> dict[bytes, float]:
    """Log-probability by token: of the token itself, and of its alternatives in the server's order."""
    listed: dict[bytes, float] = {}
    for alternative in read_alternatives(entry.get("top_logprobs")):
        listed.setdefault(_written(alternative), alternative.logprob)
    if token not in listed:
        (own,) = read_alternatives([{"logprob": entry.get("logprob")}])
        listed[token] = own.logprob
    mass = sum(map(math.exp, listed.values()))
    if not mass <= _MASS_MAX:  # nor NaN
        raise _invalid(f"the probabilities add up to {mass:.3f}")
    return listed


def _written(alternative: Alternative) -> bytes:
    if alternative.bytes is not None:
        return bytes(alternative.bytes)
    if alternative.token is not None:
        return alternative.token.encode(errors="replace")
    raise _invalid("not a token")


def _exp(logprob: float, top: float) -> float:
    return 0.0 if logprob <= _IMPOSSIBLE else math.exp(logprob - top)


def _either(one: float, other: float) -> float:
    """The log-probability of one or the other."""
    high, low = max(one, other), min(one, other)
    return high + math.log1p(math.exp(low - high))
