"""One spelling for what writers may spell in several ways, so that words are found whoever typed them."""

from __future__ import annotations

import re
import unicodedata

# Short vowels of Arabic and the stroke that stretches a word; most writers leave them out.
_OPTIONAL = re.compile("[\u064b-\u0652\u0670\u0640]")
_ARABIC_AND = re.compile(r"\bو(?=ال)")
_EAST_ASIAN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_GLUED = re.compile(f"(?<=[{_EAST_ASIAN}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{_EAST_ASIAN}])")


def plain(text: str) -> str:
    """Compose letters, drop optional marks, and put a space between Latin and East Asian characters.

    A decomposed Vietnamese letter, a vocalised Arabic word and `用A100训练` are then found like any other.
    """
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text).replace(
        "İ", "I"
    )  # in lower case it would be two characters
    return _GLUED.sub(" ", _OPTIONAL.sub("", composed))


def words_apart(text: str) -> str:
    """The same, with the Arabic "and" apart from the word that it is written on."""
    return text if text.isascii() else _ARABIC_AND.sub("و ", plain(text))
