"""Text from strangers, made safe for a terminal or a page: from a card, a name, a tag or a server's answer."""

from __future__ import annotations

import re

TEXT_CHARACTERS = 100

# What drives a terminal, or changes the order in which it or a page shows text: control characters but tab and line
# end, marks of direction, other line ends, and lone surrogates, which cannot be written at all.
_DRIVING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ud800-\udfff]"
)
_BLANKS = "\u00a0\u202f"  # which do not break a line: our own figures have them before their units
_RUN = re.compile(f"{_DRIVING.pattern}+")


def harmless(text: str) -> str:
    """Text of any length and many lines, with U+FFFD for each character that could drive a terminal."""
    return _DRIVING.sub("\ufffd", text)


def visible(text: str) -> str:
    """The text for a page: a blank in place of characters that cannot be seen and act on what is around them."""
    return _RUN.sub(" ", text)


def printable(text: str) -> str:
    """The text without control characters: escape sequences could drive the terminal of whoever reads it."""
    return "".join(
        character if character.isprintable() or character in _BLANKS else "�" for character in text
    )


def one_line(text: str, characters: int = TEXT_CHARACTERS) -> str:
    """The text, printable and at most so many characters long."""
    return printable(text if len(text) <= characters else text[: characters - 1] + "…")
