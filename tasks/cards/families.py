"""Near-duplicate families: card texts that are mostly the same apart from names and numbers.

Two texts are alike where four fifths of their runs of three words are the same (Jaccard's index; Broder 1997, "On the
resemblance and containment of documents"), which MinHash estimates and locality-sensitive hashing finds without
comparing all pairs (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3). A family is what such pairs
join, directly or through others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from rensa import RMinHash, RMinHashLSH

from tasks.cards.front_matter import split_front_matter

FAMILIES_VERSION = "1"  # raise it with any change that joins other texts
ALIKE = 0.8
NEARLY_THE_SAME = 0.95  # such a text is found through the one that it resembles
RUN_OF_WORDS = 3
SLOTS, BANDS = 128, 32  # the estimate errs by 0.035; a pair at 0.8 is missed once in ten million times
_BATCH = 1_000
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")


def families(texts: Iterable[tuple[str, str]], seed: int = 20) -> Iterator[tuple[str, str]]:
    """From (card_hash, card text) to (card_hash, family) of each text that belongs to a family of two or more.

    A family is named by the `card_hash` of its first text, so that the same texts in the same order give the same
    families. Texts without a word belong to none. Memory: about 1 kB per text.
    """
    index = RMinHashLSH(threshold=ALIKE, num_perm=SLOTS, num_bands=BANDS)
    hashes: list[str] = []
    parents: list[int] = []
    signatures: dict[int, RMinHash] = {}
    named = ((card_hash, runs) for card_hash, text in texts if (runs := runs_of_words(text)))
    for batch in iter(lambda: list(islice(named, _BATCH)), []):
        for (card_hash, _), signature in zip(
            batch, RMinHash.from_token_sets([runs for _, runs in batch], SLOTS, seed), strict=True
        ):
            own = len(hashes)
            hashes.append(card_hash)
            parents.append(own)
            closest = _join(own, signature, index, signatures, parents)
            if closest < NEARLY_THE_SAME:
                signatures[own] = signature
                index.insert(own, signature)
    roots = [_root(parents, place) for place in range(len(hashes))]
    sizes = Counter(roots)
    for card_hash, root in zip(hashes, roots, strict=True):
        if sizes[root] > 1:
            yield card_hash, hashes[root]


def runs_of_words(text: str) -> list[str]:
    """Every run of three words of a card's body, without case, punctuation and numbers; of fewer words, all of them."""
    words = _WORD.findall(_NUMBER.sub("0", split_front_matter(text)[1].lower()))
    if len(words) < RUN_OF_WORDS:
        return words
    return [" ".join(words[at : at + RUN_OF_WORDS]) for at in range(len(words) - RUN_OF_WORDS + 1)]


def _join(
    own: int, signature: RMinHash, index: RMinHashLSH, signatures: dict[int, RMinHash], parents: list[int]
) -> float:
    """Join a text with the family of each indexed text that it is like; return the likeness of the closest."""
    closest = 0.0
    for other in index.query(signature):
        likeness = signature.jaccard(signatures[other])
        closest = max(closest, likeness)
        if likeness >= ALIKE:
            one, two = sorted((_root(parents, own), _root(parents, other)))
            parents[two] = one  # the earlier text gives the name
        if closest >= NEARLY_THE_SAME:
            break
    return closest


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = place = parents[parents[place]]
    return place
