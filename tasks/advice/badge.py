"""A badge of a card's score: an SVG made here, or the JSON that shields.io makes one from."""

from __future__ import annotations

from html import escape
from typing import Any

from tasks.cards.one_line import one_line

LABEL = "model card"
_LABEL_CHARACTERS = 60
_NO_SCORE = "#6b7280"
# From this score on the badge has this colour; white text on each has a contrast of at least 4.5 to 1.
_COLOURS = ((4.0, "#15803d"), (3.0, "#4d7c0f"), (2.0, "#a16207"), (1.0, "#b91c1c"))
_CHARACTER_PX, _PADDING_PX, _HEIGHT_PX = 7, 6, 20


def message_of(score: float | None) -> str:
    """The right half of the badge, in words."""
    return "no score" if score is None else f"{score:.1f} of 5"


def colour_of(score: float | None) -> str:
    """The colour of a score as `#rrggbb`."""
    if score is None:
        return _NO_SCORE
    return next((colour for start, colour in _COLOURS if score >= start), _COLOURS[-1][1])


def as_endpoint(score: float | None, label: str = LABEL) -> dict[str, Any]:
    """The badge as JSON, as https://shields.io/badges/endpoint-badge asks for it."""
    return {
        "schemaVersion": 1,
        "label": one_line(label, _LABEL_CHARACTERS),
        "message": message_of(score),
        "color": colour_of(score).removeprefix("#"),
    }


def as_svg(score: float | None, label: str = LABEL) -> str:
    """The badge as an SVG of its own, without fonts, scripts or addresses of others."""
    left, right = one_line(label, _LABEL_CHARACTERS), message_of(score)
    widths = [len(text) * _CHARACTER_PX + 2 * _PADDING_PX for text in (left, right)]
    whole = sum(widths)
    title = escape(f"{left}: {right}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{_HEIGHT_PX}" role="img"'
        f' aria-label="{title}">\n'
        f"<title>{title}</title>\n"
        f'<rect width="{whole}" height="{_HEIGHT_PX}" rx="3" fill="#374151"/>\n'
        f'<path d="M{widths[0]} 0h{widths[1] - 3}a3 3 0 0 1 3 3v{_HEIGHT_PX - 6}a3 3 0 0 1-3 3h-{widths[1] - 3}z"'
        f' fill="{colour_of(score)}"/>\n'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">\n'
        f"{_text(left, widths[0] / 2, widths[0])}\n"
        f"{_text(right, widths[0] + widths[1] / 2, widths[1])}\n"
        "</g>\n</svg>\n"
    )


def _text(text: str, middle: float, width: int) -> str:
    """Text that keeps to its half, whatever font a machine has."""
    return (
        f'<text x="{middle:g}" y="14" textLength="{width - 2 * _PADDING_PX}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(text)}</text>"
    )
