"""Text from strangers, made safe for a terminal: from a card, a name, a tag or a server's answer."""

from __future__ import annotations

TEXT_CHARACTERS = 100


def printable(text: str) -> str:
    """The text without control characters: escape sequences could drive the terminal of whoever reads it."""
    return "".join(character if character.isprintable() else "�" for character in text)


def one_line(text: str, characters: int = TEXT_CHARACTERS) -> str:
    """The text, printable and at most so many characters long."""
    return printable(text if len(text) <= characters else text[: characters - 1] + "…")
