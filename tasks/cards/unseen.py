"""The parts of a card that a reader of the Hub's page never sees: HTML comments and hidden elements.

The body is parsed as CommonMark, so that the same characters in a code block stay. Broken markup is read as a browser
reads it, within reason: an element without an end tag hides the rest of its block if it is inline or a paragraph, and
the rest of the card otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pyromark

from tasks.cards.hiding import UNREADABLE_TAGS, VOID_TAGS, hides, may_hide

MARKDOWN_OPTIONS = (
    pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_STRIKETHROUGH | pyromark.Options.ENABLE_TASKLISTS
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The body as a reader sees it, and what was removed; `tags`: the start tags that hide, without brackets."""

    text: str
    comments: list[str]
    hidden: list[str]
    tags: list[str]

    @property
    def has_script(self) -> bool:
        return any(tag[:6].lower() == "script" for tag in self.tags)


IN_PLACE = "<!---->"  # keeps the lines around a removed block in one block of HTML


def seen(body: str, in_place: str = "") -> Seen:
    """Total and linear. `body` must not contain surrogates. One pass: what is left may form new markup.

    `in_place` stands where a block of HTML was removed: without it, a blank line may be left that ends a block.
    """
    if not may_hide(body):
        return Seen(body, [], [], [])
    finder = _Finder(body.encode())
    finder.walk(body)
    text = _without(finder.source, finder.spans, in_place.encode())
    return Seen(text, finder.comments, finder.hidden, finder.tags)


def _without(source: bytes, spans: list[tuple[int, int, bool]], in_place: bytes) -> str:
    kept, at = [], 0
    for start, end, is_inline in sorted(spans):
        if start >= at:
            kept += [source[at:start], b"" if is_inline else in_place]
        at = max(at, end)
    kept.append(source[at:])
    return b"".join(kept).decode(errors="replace")


_TAG = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
_TAG_STOP = re.compile(rb"[>\"']")
_READ = frozenset({"Html", "InlineHtml", "Start", "End"})
_ENDS_INLINE = frozenset({"Paragraph", "Heading", "Item", "TableCell"})


@dataclass(slots=True)
class _Hiding:
    """An element that hides its content: its start, and how many elements of its name are open."""

    name: str
    start: int
    is_inline: bool
    depth: int = 1


@dataclass(slots=True)
class _Finder:
    """One pass over pyromark's events, with offsets in bytes.

    `spans` are the stretches to leave out, in order, and whether each is inline or a block of HTML.
    """

    source: bytes
    spans: list[tuple[int, int, bool]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    _hiding: _Hiding | None = None
    _comment: tuple[int, int, bool] | None = (
        None  # opened in a chunk of HTML that ended: start, its end, inline
    )
    _block: tuple[int, int] | None = None
    _in_code: bool = False
    _read_to: int = 0

    def walk(self, body: str) -> None:
        for event, where in pyromark.events_with_range(body, options=MARKDOWN_OPTIONS):
            if isinstance(event, dict):
                ((kind, value),) = event.items()
                if kind == "Text":  # most of them, so they are looked at here
                    if self._comment and not self._in_code:
                        self._close_comment(where["start"], where["end"])
                elif kind in _READ:
                    self._read(kind, value, where["start"], where["end"])
        self._finish()

    def _read(self, kind: str, value: Any, start: int, end: int) -> None:
        if kind == "Html":
            self._block = (self._block[0] if self._block else start, end)
        elif kind == "InlineHtml":
            self._scan(start, end, is_inline=True)
        else:
            name = value if isinstance(value, str) else next(iter(value))
            if name == "CodeBlock":
                self._in_code = kind == "Start"
            elif kind == "End":
                self._end(name, end)

    def _end(self, name: str, end: int) -> None:
        if name == "HtmlBlock" and self._block:
            self._scan(*self._block, is_inline=False)
            self._block = None
            if self._hiding and self._hiding.name == "p" and not self._hiding.is_inline:
                self._close_hiding(end)
        elif name in _ENDS_INLINE and self._hiding and self._hiding.is_inline:
            self._close_hiding(end)

    def _finish(self) -> None:
        if self._comment:
            self._add_comment(*self._comment)
        self._close_hiding(len(self.source))

    # Comments

    def _add_comment(self, start: int, end: int, is_inline: bool) -> None:
        self._comment = None
        self._read_to = end
        if not self._hiding:  # inside a hidden element it is removed with the element
            self.spans.append((start, end, is_inline))
            self.comments.append(_text(self.source[start:end]).strip("<!->? \n"))

    def _close_comment(self, start: int, end: int) -> bool:
        at = self.source.find(b"-->", start, end)
        if self._comment and at >= 0:
            self._add_comment(self._comment[0], at + 3, self._comment[2])
        return at >= 0

    # Elements

    def _close_hiding(self, end: int) -> None:
        if not self._hiding:
            return
        raw = self.source[self._hiding.start : end]
        kept = len(raw) - len(raw.rstrip(b"\n"))  # line ends separate what comes before from what comes after
        self.spans.append((self._hiding.start, end - kept, self._hiding.is_inline))
        if self._hiding.name not in ("script", "style"):
            self.hidden.append(" ".join(re.sub(r"<[^<>]*+>", " ", _text(raw)).split()))
        self._hiding = None

    def _scan(self, start: int, end: int, *, is_inline: bool) -> None:
        """One stretch of raw HTML. Every byte is read once."""
        if self._comment and not self._close_comment(start, end):
            return
        at = max(start, self._read_to)
        while (at := self._next(at, end)) < end:
            if self.source.startswith((b"<!", b"<?"), at):
                at = self._scan_comment(at, end, is_inline)
            else:
                at = self._scan_tag(at, end, is_inline)

    def _next(self, at: int, end: int) -> int:
        """The place where the next tag may begin; inside a script or a style sheet, its own end tag."""
        is_raw = self._hiding is not None and self._hiding.name in ("script", "style")
        found = self.source.find(b"</" if is_raw else b"<", at, end)
        return found if found >= 0 else end

    def _scan_comment(self, at: int, end: int, is_inline: bool) -> int:
        """To a browser, `<!x>` and `<?x>` are comments too."""
        if not self.source.startswith(b"<!--", at):
            close = self.source.find(b">", at, end)
            stop = close + 1 if close >= 0 else end
        elif self.source.startswith((b"<!-->", b"<!--->"), at):
            stop = self.source.index(b">", at) + 1
        else:
            close = self.source.find(b"-->", at + 4, end)
            if close < 0:
                self._comment = (at, end, is_inline)
                return end
            stop = close + 3
        self._add_comment(at, stop, is_inline)
        return stop

    def _scan_tag(self, at: int, end: int, is_inline: bool) -> int:
        tag = _TAG.match(self.source, at, end)
        if not tag:
            return at + 1
        stop = self._tag_stop(tag.end(), end)
        if stop is None:
            return end
        name = tag[2].decode().lower()
        if self._hiding:
            self._deepen(name, bool(tag[1]), stop)
        elif not tag[1]:
            self._open(name, tag.end(), at, stop, is_inline)
        return stop

    def _tag_stop(self, at: int, end: int) -> int | None:
        """The place after the `>` that ends the tag; one in quotes does not, unless the quotes never end."""
        while stop := _TAG_STOP.search(self.source, at, end):
            if stop[0] == b">":
                return stop.end()
            close = self.source.find(stop[0], stop.end(), end)
            if close < 0:
                close = self.source.find(b">", stop.end(), end)
                return close + 1 if close >= 0 else None
            at = close + 1
        return None

    def _open(self, name: str, attributes: int, at: int, stop: int, is_inline: bool) -> None:
        if name not in UNREADABLE_TAGS and not hides(_text(self.source[attributes : stop - 1])):
            return
        self.tags.append(_text(self.source[at + 1 : stop - 1]))
        if name in VOID_TAGS:
            self.spans.append((at, stop, is_inline))
        else:
            self._hiding = _Hiding(name, at, is_inline)

    def _deepen(self, name: str, is_end: bool, stop: int) -> None:
        """Inside a hidden element, only its own end tag ends it."""
        if self._hiding and name == self._hiding.name:
            self._hiding.depth += -1 if is_end else 1
            if not self._hiding.depth:
                self._close_hiding(stop)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
