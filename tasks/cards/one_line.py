"""Texts of strangers in one line for people: whatever is shown of a card, a name or a tag in a message or a table."""

from __future__ import annotations

TEXT_CHARACTERS = 100


def one_line(text: str, characters: int = TEXT_CHARACTERS) -> str:
    """The text, printable and at most so many characters long: it may hold escape sequences that drive a terminal."""
    if len(text) > characters:
        text = text[: characters - 1] + "…"
    return "".join(character if character.isprintable() else "�" for character in text)
