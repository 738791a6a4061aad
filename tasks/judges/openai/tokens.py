"""How many tokens a text probably has at most, for servers that do not count them."""

from __future__ import annotations

import re

# Words in threes of letters, capitals in twos; characters outside ASCII cost a byte-level tokenizer more the rarer
# they are.
_PIECE = re.compile(r"[A-Z]?[a-z]{1,3}|[A-Z]{1,2}| ?[0-9]|[\n\t]+| {2,}| ?[!-/:-@\[-`{-~]|[^\x00-\x7f]")
_TOKENS_OF_A_WIDE_CHARACTER = 2


def tokens_at_most(text: str) -> int:
    """More tokens than today's vocabularies make of nearly any card; `tests/openai` holds it against one of them."""
    pieces = _PIECE.findall(text)
    wide = sum(not piece.isascii() for piece in pieces)
    return min(
        len(pieces) - wide + int(wide * _TOKENS_OF_A_WIDE_CHARACTER) + 1,
        len(text.encode(errors="replace")) + 1,
    )
