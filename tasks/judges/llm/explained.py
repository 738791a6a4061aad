"""What is wrong with an explanation that can be read: it says the same of everything, repeats the prompt, or invents.

A weak judge model fills the form with one sentence, with words of its instructions, or with quotes that no card holds.
Texts are compared by their letters and digits alone, whatever their case.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tasks.errors import VerdictInvalid
from tasks.judges.llm.answers import Reason

_RUN_WORDS = 5  # so many words in a row, the same as in the prompt, are no accident
_COPIED_SHARE_MAX = 0.8
_SAME_QUOTE_SHARE_MAX = 0.5  # a short card has little to quote

_MARKS = re.compile(r"[\W_]+")
_LINK_TARGET = re.compile(r"\]\([^)\s]*\)")
_ELLIPSIS = re.compile(r"…|\.{3,}")


@dataclass(frozen=True, slots=True)
class _Context:
    """What a reason is compared with: the card's letters, the prompt, and the other reasons."""

    cards: tuple[str, ...]
    prompt: str
    improvements: Counter[str]
    quotes: Counter[str]
    same_quotes_max: float

    def faults(self, reason: Reason) -> Iterator[VerdictInvalid]:
        """Its faults, the worst first."""
        quote = reason.quote or ""
        is_quoted = any(is_in(quote, card) for card in self.cards)
        for text in [reason.improvement, *[quote] * (not is_quoted)]:
            if is_copy(text, self.prompt):
                yield VerdictInvalid("copies_the_prompt", f"{reason.criterion}: {text}")
        if reason.improvement and self.improvements[_folded(reason.improvement)] > 1:
            yield VerdictInvalid("repeats", f"several criteria have one improvement: {reason.improvement}")
        if self.quotes[_folded(quote)] > self.same_quotes_max:
            yield VerdictInvalid("repeats", f"most criteria have one quote: {quote}")
        if not is_quoted:
            yield VerdictInvalid("not_in_the_card", f"{reason.criterion}: the card does not say: {quote}")


def faults_of(reasons: Sequence[Reason], card: str, prompt: str) -> list[VerdictInvalid | None]:
    """The worst fault of each reason, null for none: `copies_the_prompt`, `repeats` or `not_in_the_card`.

    `card` is the text that the judge saw of it, `prompt` all that it read besides. A repeated improvement is a fault of
    every criterion that has it; a repeated quote only if more than half of the criteria have it.
    """
    context = _Context(
        (_letters(card), _letters(_LINK_TARGET.sub("]", card))),
        prompt,
        Counter(_folded(reason.improvement) for reason in reasons if reason.improvement),
        Counter(filter(None, (_folded(reason.quote or "") for reason in reasons))),
        len(reasons) * _SAME_QUOTE_SHARE_MAX,
    )
    return [next(context.faults(reason), None) for reason in reasons]


def is_in(quote: str, card_letters: str) -> bool:
    """Whether every piece of the quote, where it leaves something out, occurs in the card's letters."""
    return all(_letters(piece) in card_letters for piece in _ELLIPSIS.split(quote))


def is_copy(text: str, prompt: str) -> bool:
    """Whether most words of the text stand in runs of words that the prompt has too."""
    words = _folded(text).split()
    if not words:
        return False
    n = min(_RUN_WORDS, len(words))
    known = _runs(prompt, n)
    copied = {
        place + offset
        for place in range(len(words) - n + 1)
        if tuple(words[place : place + n]) in known
        for offset in range(n)
    }
    return len(copied) >= _COPIED_SHARE_MAX * len(words)


@lru_cache(maxsize=64)
def _runs(prompt: str, n: int) -> frozenset[tuple[str, ...]]:
    """Every run of n words of the prompt."""
    words = _folded(prompt).split()
    return frozenset(tuple(words[place : place + n]) for place in range(len(words) - n + 1))


def _folded(text: str) -> str:
    return _MARKS.sub(" ", text.casefold()).strip()


def _letters(text: str) -> str:
    return _MARKS.sub("", text.casefold())
