"""Which tags hide their content from a reader of a page: said here once, for checklist, judge and map.

A reader sees what is small, pale or folded away in `<details>`; what counts as hidden cannot be read at all, however
the page is scrolled. What the style sheet of the page says is unknown but for a few class names. Where rules contradict
each other, or a picture may stand behind the text, the text counts as visible.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

UNREADABLE_TAGS = frozenset({"script", "style", "template", "noscript"})
VOID_TAGS = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr", "col", "embed"})

_TAGS = ("<!", "<?", *(f"<{tag}" for tag in sorted(UNREADABLE_TAGS)))
# A word counts behind a `<`, before the next one, and where a tag may last until there: it ends at a `>` that is not in
# quotes.
_WORDS = ("hidden", "invisible", "sr-only")
_IN_A_TAG = re.compile(rf"<(?:[^<>]*|[^<\"']*[\"'][^<]*)(?:{'|'.join(_WORDS)})")
_STYLE = re.compile(r"style\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++)")

FONT_PIXELS_MAX = 4.0  # letters of this size or less are dots
OPACITY_MAX = 0.1
OFF_SCREEN_PIXELS = 400.0  # placed so far to the left or above
FAR_PIXELS = 2_000.0  # so far to the right or below, where a page may scroll
MOVED_PIXELS = 900.0  # moved so far by margins, which also centre what is visible
SAME_COLOUR = 16  # largest difference of a channel, of 255, at which letters merge with what is behind them
_TAG_CHARACTERS_MAX = 4_000

Style = Mapping[str, str]


def may_hide(text: str) -> bool:
    """Whether a text may hide anything: a quick look that errs on the side of yes."""
    if "<" not in text:
        return False
    lower = text.lower()
    if any(tag in lower for tag in _TAGS):
        return True
    if any(word in lower for word in _WORDS) and _IN_A_TAG.search(lower):
        return True
    return "style" in lower and any(is_hiding_style(_value(style)) for style in set(_STYLE.findall(lower)))


def hides(attributes: str) -> bool:
    """Whether a tag with these attributes hides its content, by an attribute, a class or its style."""
    lower = attributes.lower()
    if "hidden" not in lower and "style" not in lower and "class" not in lower:
        return False
    found = _attributes(attributes[:_TAG_CHARACTERS_MAX])
    return (
        "hidden" in found
        or ("class" in found and _is_hiding_class(found["class"]))
        or ("style" in found and is_hiding_style(found["style"]))
    )


@lru_cache(maxsize=1024)
def is_hiding_style(style: str) -> bool:
    """Whether declarations of CSS, as an attribute holds them, hide the content of their element.

    Kept for the styles met last: a tool writes the same few into all its cards.
    """
    declared = declarations(style)
    return any(rule(declared) for rule in _RULES)


# ---------------------------------------------------------------------------------------- attributes and CSS

_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++))?")
_COMMENT = re.compile(r"/\*[^*]*+\*/")
_ESCAPE = re.compile(r"\\([0-9a-f]{1,6})\s?", re.IGNORECASE)
_URL = re.compile(r"url\([^()]*+\)")
_BLANKS = re.compile(r"\s+")


def _attributes(source: str) -> dict[str, str]:
    """Values by lower-case name, without their quotes; of two of a name the first counts, as in a browser."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(source):
        found.setdefault(name.lower(), _value(value))
    return found


def _value(written: str) -> str:
    return html.unescape(written.strip("\"'"))


def declarations(style: str) -> dict[str, str]:
    """Values by property, in lower case; a later one replaces an earlier one unless that is `!important`."""
    css = _ESCAPE.sub(_character, _COMMENT.sub("", style[:_TAG_CHARACTERS_MAX])).lower()
    css = _URL.sub("url()", css)  # an address may contain semicolons
    found: dict[str, str] = {}
    important: set[str] = set()
    for declaration in css.split(";"):
        name, colon, value = declaration.partition(":")
        name, (value, mark, _) = name.strip(), value.partition("!")
        if not colon or (name in important and not mark):
            continue
        found[name] = _BLANKS.sub(" ", value).strip()
        if mark:
            important.add(name)
    return found


def _character(escape: re.Match[str]) -> str:
    code = int(escape[1], 16)
    return chr(code) if code < 0xD800 else ""


# The Hub's pages know the class names of Tailwind: `hidden dark:block` is for readers of dark pages.
_HIDING_CLASSES = frozenset({"hidden", "invisible", "sr-only", "visually-hidden"})
_SHOWN_AGAIN = re.compile(r":(?:block|inline|flex|grid|table|contents|visible|not-sr-only)")


def _is_hiding_class(names: str) -> bool:
    return not _HIDING_CLASSES.isdisjoint(names.lower().split()) and not _SHOWN_AGAIN.search(names)


# --------------------------------------------------------------------------------------------------- lengths

_LENGTH = re.compile(r"([-+]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))(?:e([+-]?\d))?([a-z%]{0,4})")
# In pixels, where letters are 16 pixels high and a screen is 1,000 wide, of which a card takes less than half.
_PIXELS = {
    **{"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 38.0, "mm": 3.8, "q": 0.95},
    **{"em": 16.0, "rem": 16.0, "lh": 20.0, "rlh": 20.0, "ex": 8.0, "ch": 8.0},
    **dict.fromkeys(("vw", "vh", "vmin", "vmax", "dvw", "dvh", "svw", "svh"), 10.0),
    "%": 4.0,
}
_FONT_PIXELS = _PIXELS | {"%": 0.16}


def _pixels(value: str | None, units: Mapping[str, float] = _PIXELS) -> float | None:
    """A length in pixels; null where it is none, or has to be computed."""
    found = _LENGTH.fullmatch(value or "")
    if not found or found[3] not in units:
        return None
    return float(found[1]) * 10.0 ** int(found[2] or 0) * units[found[3]]


def _share(value: str | None) -> float | None:
    """A number between 0 and 1, as `0.2` or `20%`."""
    found = _LENGTH.fullmatch(value or "")
    if not found or found[3] not in ("", "%"):
        return None
    return float(found[1]) * 10.0 ** int(found[2] or 0) / (100 if found[3] else 1)


def _at_most(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


# --------------------------------------------------------------------------------------------------- colours

_FUNCTION = re.compile(r"(?:rgb|hsl)a?\(([^()]{1,80})\)")
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_COLOURS = {
    **{"white": (255, 255, 255), "black": (0, 0, 0), "red": (255, 0, 0), "blue": (0, 0, 255)},
    **{"green": (0, 128, 0), "gray": (128, 128, 128), "grey": (128, 128, 128), "yellow": (255, 255, 0)},
    **{"snow": (255, 250, 250), "ivory": (255, 255, 240), "whitesmoke": (245, 245, 245)},
    **{"ghostwhite": (248, 248, 255), "silver": (192, 192, 192), "navy": (0, 0, 128)},
}


def _alpha(colour: str) -> float:
    """How opaque a colour is: 1 for what is no colour that can be read here."""
    if colour == "transparent":
        return 0.0
    if function := _FUNCTION.fullmatch(colour):
        parts = re.split(r"[\s,/]+", function[1].strip())
        alpha = _share(parts[3]) if len(parts) == 4 else None
        return 1.0 if alpha is None else alpha
    if (digits := _HEX.fullmatch(colour)) and len(digits[1]) in (4, 8):
        return int(digits[1][3] * 2 if len(digits[1]) == 4 else digits[1][6:], 16) / 255
    return 1.0


def _channels(colour: str) -> tuple[int, ...] | None:
    """Red, green and blue; null for what is none that can be read here."""
    if digits := _HEX.fullmatch(colour):
        wide = "".join(d * 2 for d in digits[1]) if len(digits[1]) < 6 else digits[1]
        return tuple(int(wide[at : at + 2], 16) for at in (0, 2, 4))
    if colour.startswith("rgb") and (function := _FUNCTION.fullmatch(colour)):
        parts = re.split(r"[\s,/]+", function[1].strip())[:3]
        if len(parts) == 3 and all(part.isdecimal() and len(part) < 4 for part in parts):
            return tuple(map(int, parts))
    return _COLOURS.get(colour)


def _is_same(one: str, other: str) -> bool:
    channels, others = _channels(one), _channels(other)
    if channels is None or others is None:
        return one == other
    return max(abs(a - b) for a, b in zip(channels, others, strict=True)) <= SAME_COLOUR


# ----------------------------------------------------------------------------------------------------- rules


def _is_not_displayed(style: Style) -> bool:
    return (
        style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or style.get("content-visibility") == "hidden"
    )


_OPACITY_FILTER = re.compile(r"opacity\( ?([\d.%]{1,20}) ?\)")


def _is_see_through(style: Style) -> bool:
    found = _OPACITY_FILTER.search(style.get("filter", ""))
    shares = (_share(style.get("opacity")), _share(found[1]) if found else None)
    return any(_at_most(share, OPACITY_MAX) for share in shares)


_FONT_SIZE = re.compile(r"(?:^| )([-+]?[\d.]+[a-z%]{0,4})(?= ?/| |$)")


def _is_too_small(style: Style) -> bool:
    size = style.get("font-size")
    if size is None and (shorthand := _FONT_SIZE.search(_without_weight(style.get("font", "")))):
        size = shorthand[1]
    return _at_most(_pixels(size, _FONT_PIXELS), FONT_PIXELS_MAX) or _at_most(_share(style.get("zoom")), 0.2)


def _without_weight(font: str) -> str:
    """`bold 0/0 serif` and `700 1px serif` have one length: a weight is a number of three digits."""
    return re.sub(r"(?:^| )[1-9]00(?= )", " ", font)


def _is_painted_through(style: Style) -> bool:
    """Letters cut out of a gradient or drawn by their shadow are visible though their colour is not."""
    clip = style.get("background-clip", style.get("-webkit-background-clip", ""))
    shadow = style.get("text-shadow", "none")
    is_cut_out = "text" in clip or " text" in f" {style.get('background', '')}"
    return is_cut_out or not ("none" in shadow or "transparent" in shadow)


def _has_no_ink(style: Style) -> bool:
    colour = style.get("-webkit-text-fill-color", style.get("color"))
    return colour is not None and _alpha(colour) <= OPACITY_MAX and not _is_painted_through(style)


_NO_COLOUR = frozenset({"", "none", "inherit", "initial", "unset", "revert"})


def _is_ink_on_ink(style: Style) -> bool:
    colour, background = style.get("color", ""), style.get("background", "")
    behind = style.get("background-color", background)
    if _NO_COLOUR & {colour, behind} or _alpha(behind) < 0.5:
        return False
    is_picture = "url" in background or "gradient" in background or "background-image" in style
    return (behind == "currentcolor" or _is_same(colour, behind)) and not (
        is_picture or _is_painted_through(style)
    )


_PLACES = (
    *("left", "right", "top", "bottom", "text-indent"),
    *("inset", "inset-inline-start", "inset-inline", "inset-block-start"),
)
_MARGINS = ("margin", "margin-left", "margin-top", "margin-inline-start", "margin-block-start")
_TRANSLATE = re.compile(r"translate(?:x|y|3d)?\(([^()]{1,60})\)")


def _is_off_screen(style: Style) -> bool:
    places = _lengths(style.get(name, "") for name in _PLACES)
    moves = _lengths([*(style.get(name, "") for name in _MARGINS), style.get("translate", "")])
    moves += _lengths(_TRANSLATE.findall(style.get("transform", "")))
    return (
        any(length <= -OFF_SCREEN_PIXELS or length >= FAR_PIXELS for length in places)
        or any(length <= -MOVED_PIXELS or length >= FAR_PIXELS for length in moves)
        or (_is_cut(style) and not _at_most(_pixels(style.get("text-indent", "0")), OFF_SCREEN_PIXELS - 1))
    )


def _lengths(values: Iterable[str]) -> list[float]:
    """Every length in values such as `0 auto 0 -9999px`."""
    words = (word for value in values for word in value.replace(",", " ").split())
    return [length for word in words if (length := _pixels(word)) is not None]


def _is_cut(style: Style) -> bool:
    """Whether what is larger than the element is not drawn."""
    ways = (style.get(name, "") for name in ("overflow", "overflow-x", "overflow-y"))
    return any(way.startswith(("hidden", "clip")) for way in ways)


_SOME = re.compile(r"[1-9]")


def _is_without_room(style: Style) -> bool:
    """No height, or none of both where the rest is cut. Padding makes room, as around a film."""
    is_cut = _is_cut(style)
    is_padded = any(_SOME.search(style.get(f"padding{side}", "")) for side in ("", "-top", "-bottom"))
    return (
        _has_no(style, "height", 1.0 if is_cut else 0.0)
        and not is_padded
        and not style.get("overflow", "").startswith("visible")
    ) or (is_cut and _has_no(style, "width", 1.0))


def _has_no(style: Style, side: str, limit: float) -> bool:
    is_grown = not _at_most(_pixels(style.get(f"min-{side}", "0")), limit)
    return not is_grown and any(_at_most(_pixels(style.get(n)), limit) for n in (side, f"max-{side}"))


_CLIPPED = re.compile(
    r"rect\( ?(\d[\w.]*)(?:[ ,]+\1){3} ?\)|inset\( ?(?:[5-9]\d|100)%[^()]*\)|(?:circle|ellipse)\( ?0(?![.\d])"
    r"|polygon\((?: ?0[\w%]{0,2} 0[\w%]{0,2} ?,?)+\)"
)
_SCALED = re.compile(r"scale(?:x|y|3d)?\( ?([^(), ]{1,20})")


def _is_clipped(style: Style) -> bool:
    if any(_CLIPPED.match(style.get(name, "")) for name in ("clip", "clip-path", "-webkit-clip-path")):
        return True
    scales = [*_SCALED.findall(style.get("transform", "")), *style.get("scale", "").split()[:1]]
    return any(share is not None and abs(share) <= 0.1 for share in map(_share, scales))


_RULES: tuple[Callable[[Style], bool], ...] = (
    *(_is_not_displayed, _is_see_through, _is_too_small, _has_no_ink, _is_ink_on_ink),
    *(_is_off_screen, _is_without_room, _is_clipped),
)
