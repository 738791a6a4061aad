"""How many tokens a text has at most, for servers that do not count them."""

from __future__ import annotations

import re

# Letters of words in threes; other characters outside ASCII count for themselves, and cost a byte-level tokenizer
# more the rarer they are.
_PIECE = re.compile(r"[A-Za-z]{1,3}| ?[0-9]|[\n\t]+| {2,}| ?[!-/:-@\[-`{-~]|[^\x00-\x7f]")
_TOKENS_OF_A_WIDE_CHARACTER = 1.5


def tokens_at_most(text: str) -> int:
    """More tokens than the vocabularies of today's models make of a text: `docs/judge.md` has how much more."""
    pieces = _PIECE.findall(text)
    wide = sum(not piece.isascii() for piece in pieces)
    return min(
        len(pieces) - wide + int(wide * _TOKENS_OF_A_WIDE_CHARACTER) + 1,
        len(text.encode(errors="replace")) + 1,
    )
