"""All trials of a card: each edit beside the card that it was made from, and pairs that must be judged alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from tasks.passport.attacks import card_text, padded
from tasks.passport.metamorphic.edits import NOTHING, CardEdit
from tasks.passport.metamorphic.pieces import cut
from tasks.passport.metamorphic.putting import (
    Put,
    metadata_puts,
    placeholder_put,
    puts,
    restyled,
    reworded,
    shuffled,
    translated,
)
from tasks.passport.metamorphic.taking import takings
from tasks.records import CardText

PAIRS_PER_CARD = 4  # topics of which a card also gets another heading, and as many another language
PADDING, HEADING, TRANSLATION = "padding", "heading", "translation"
# Pairs that differ in nothing that the rubric asks about.
ALIKE = ("order of sections", "style of headings", HEADING, TRANSLATION)


@dataclass(frozen=True, slots=True)
class Trial:
    """Two texts by their hashes, and what must follow: see `CardEdit`. `card` is the hash of the real card."""

    card: str
    name: str
    before: str
    after: str
    rises: frozenset[str] = NOTHING
    falls: frozenset[str] = NOTHING
    may: frozenset[str] = NOTHING
    language: str | None = None
    is_later: bool = False

    @property
    def touched(self) -> frozenset[str]:
        """The checks of which the edit does not ask that they stay."""
        return self.rises | self.falls | self.may

    @property
    def is_edit(self) -> bool:
        """Whether something was taken away or put in that some check asks about, or that looks as if."""
        return self.name not in (*ALIKE, PADDING)


class TrialMaker:
    """Makes the trials of cards, and keeps them; iterating over `texts` yields every text to judge once."""

    def __init__(self, cards: Iterable[CardText], *, seed: int) -> None:
        self._cards, self._seed = list(cards), seed
        self.trials: list[Trial] = []

    def bases(self) -> list[CardText]:
        """The cards as they are judged: with Unix line ends."""
        return [card_text(cut(card.card_text).text) for card in self._cards]

    def count(self) -> int:
        """How many texts there are to judge. They are made and let go: together they would fill the memory."""
        return sum(1 for _ in TrialMaker(self._cards, seed=self._seed).texts())

    def texts(self) -> Iterator[CardText]:
        """The cards, with Unix line ends, and their edits; `trials` is complete when they are exhausted."""
        seen: set[str] = set()
        for card in self._cards:
            trials, texts = trials_of(card, seed=self._seed)
            self.trials += trials
            for text in texts:
                if text.card_hash not in seen:
                    seen.add(text.card_hash)
                    yield text


def trials_of(text: CardText, *, seed: int) -> tuple[list[Trial], list[CardText]]:
    """The trials of one card and the texts that they need, the card itself first; the same seed, the same trials."""
    card, random = cut(text.card_text), Random(f"{seed} {text.card_hash}")
    base = card_text(card.text)
    texts, trials = [base], []

    def add(edit: CardEdit, before: CardText = base) -> CardText:
        after = card_text(edit.text)
        texts.append(after)
        kept = (edit.rises, edit.falls, edit.may, edit.language, edit.is_later)
        trials.append(Trial(text.card_hash, edit.name, before.card_hash, after.card_hash, *kept))
        return after

    written = puts(card, random)
    for edit in (
        *takings(card),
        *(put.edit(card) for put in written),
        *metadata_puts(card, random),
        placeholder_put(card, random),
    ):
        if edit.text != base.card_text:
            add(edit)
    for same in (shuffled(card, random), restyled(card, random)):
        if same and same.text != base.card_text:
            add(same)
    for name, first, second in _alike(written, random):
        before = card_text(first.edit(card).text)
        texts.append(before)
        add(CardEdit(name, second.edit(card).text, language=second.wording.language), before)
    add(CardEdit(PADDING, padded(base).card_text))
    return trials, texts


def _alike(written: list[Put], random: Random) -> Iterator[tuple[str, Put, Put]]:
    """Pairs of the same meaning: under another heading, and in another language."""
    headed = [(HEADING, put, other) for put in written if (other := reworded(put, random))]
    told = [(TRANSLATION, *pair) for put in written if (pair := translated(put, random))]
    for pairs in (headed, told):
        yield from random.sample(pairs, min(PAIRS_PER_CARD, len(pairs)))
