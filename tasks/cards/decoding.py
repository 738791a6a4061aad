"""From the bytes of a README to its text: the same for a card of the Hub and for a file."""

from __future__ import annotations


def decode(body: bytes) -> str:
    """Text of a README: by its byte order mark, else UTF-8 with U+FFFD for what is not."""
    encoding = "utf-16" if body.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    return body.decode(encoding, errors="replace")
