"""A card, parsed: front matter as the Hub splits it, body walked once into sections.

`parse_card` is total: any string gives a `Card`, in time linear in its length. What a reader of the Hub's page does not
see (comments, hidden elements: `tasks.cards.unseen`; zero-width characters) is taken out first and kept apart.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyromark

from tasks.cards.front_matter import FrontMatter, Metadata, split_front_matter
from tasks.cards.unseen import IN_PLACE, MARKDOWN_OPTIONS, seen

BODY_CHARACTERS_MAX = 400_000
_HEADING_CHARACTERS_MAX = 300

PSEUDO_LEVEL = 7  # a paragraph in bold that serves as a heading, or a few words before a colon


@dataclass(frozen=True, slots=True)
class Code:
    """A fenced or indented block; `language` is the first word of its fence in lower case, or empty."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class CardTable:
    """Rows of cell texts; the first row is the header."""

    rows: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class Section:
    """What is between one heading and the next. Level 0 is the text before the first heading.

    `blocks` are paragraphs and list items as plain text; `labels` are the (label, text) pairs among them, such
    as ("License", "MIT"); `inline` are the pieces of code within them and within the tables' cells.
    """

    title: str = ""
    level: int = 0
    blocks: list[str] = field(default_factory=list)
    labels: list[tuple[str, str]] = field(default_factory=list)
    list_items: int = 0
    codes: list[Code] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    tables: list[CardTable] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Card:
    """One parsed card."""

    front_matter: FrontMatter
    body: str
    sections: tuple[Section, ...]
    comments: tuple[str, ...]
    hidden: str
    html_tags: dict[str, int]
    html_characters: int
    has_event_handler: bool
    is_truncated: bool

    @property
    def metadata(self) -> Metadata:
        return self.front_matter.metadata

    @property
    def is_mostly_html(self) -> bool:
        """Hidden words are neither markup nor text: they change nothing."""
        return self.html_characters > 500 and self.html_characters > (len(self.body) - len(self.hidden)) / 2

    @property
    def headings(self) -> list[Section]:
        """The sections under a real heading, Markdown or HTML."""
        return [section for section in self.sections if 0 < section.level < PSEUDO_LEVEL]

    @property
    def blocks(self) -> list[str]:
        return [block for section in self.sections for block in section.blocks]

    @property
    def codes(self) -> list[Code]:
        return [code for section in self.sections for code in section.codes]

    @property
    def tables(self) -> list[CardTable]:
        return [table for section in self.sections for table in section.tables]

    @property
    def links(self) -> list[str]:
        return [link for section in self.sections for link in section.links]

    @property
    def images(self) -> list[str]:
        return [image for section in self.sections for image in section.images]


_INVISIBLE = re.compile("[\x00\u00ad\u200b\u2060\ufeff\U000e0000-\U000e007f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_card(text: str) -> Card:
    """Never raises; a body beyond `BODY_CHARACTERS_MAX` is cut off and flagged."""
    text = _SURROGATE.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")
    front_matter, body = split_front_matter(_INVISIBLE.sub("", text))
    read = body[:BODY_CHARACTERS_MAX]
    shown = seen(read, IN_PLACE)
    walker = _Walker()
    walker.walk(shown.text)
    for tag in shown.tags:
        walker.count_tag(tag)
    hidden = " ".join(filter(None, shown.hidden))
    return Card(
        front_matter=front_matter,
        body=body,
        sections=tuple(walker.sections),
        comments=tuple(shown.comments),
        hidden=hidden,
        html_tags=dict(walker.html_tags),
        html_characters=walker.html_characters + len(read) - len(shown.text) - len(hidden),
        has_event_handler=walker.has_event_handler,
        is_truncated=len(body) > BODY_CHARACTERS_MAX,
    )


_BARE_URL = re.compile(r"https?://[^\s<>\"')\]]{3,500}")
_PLAIN_LABEL = re.compile(r"([^\W\d_][\w /()&'’-]{1,40}?)\s?[:：]\s?(?!//)(.+)", re.DOTALL)
_ATTRIBUTE = re.compile(r"([a-zA-Z-]+)\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)")
_HANDLER = re.compile(r"\son[a-z]{3,20}\s*=", re.IGNORECASE)
_BLANK_TAG = re.compile(r"[a-zA-Z]+(?:[-_ ][\w-]+)+")  # <your-name> in code is no tag, but a blank to fill in
_INDENTED = " indented"  # no fence can have this name
_SENTENCE = re.compile(r"(?:[^\W\d_]{2,20}[ \n]+){4}")
_SENTENCE_END = (".", "!", "?", "。", "！", "？", "…", ",", ";")

_CODE_TAGS = frozenset({"code", "kbd", "samp", "tt"})
_BLOCK_TAGS = frozenset(
    {"p", "div", "section", "article", "center", "header", "footer", "main", "figure", "figcaption", "hr"}
    | {"ul", "ol", "dl", "dt", "dd", "blockquote", "details", "summary", "thead", "tbody"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


class _Walker:
    """One pass over pyromark's events; HTML chunks feed the same state, so that <h2> is a heading like ##."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self.html_tags: Counter[str] = Counter()
        self.html_characters = 0
        self.has_event_handler = False
        self._section = Section()
        self._block: list[str] = []
        self._lead: str | None = None  # what is in bold at the start of the block
        self._heading: tuple[int, list[str]] | None = None
        self._code: tuple[str, list[str]] | None = None
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._rows: list[tuple[str, ...]] = []
        self._html: list[str] = []
        self._image_depth = 0
        self._inline: list[str] | None = None  # what an inline element of HTML marks as code
        self._strong_starts_block = False

    def walk(self, body: str) -> None:
        handlers: dict[str, Callable[[Any], None]] = {
            "Text": self._text,
            "Code": self._inline_code,
            "Start": self._start,
            "End": self._end,
            "Html": self._html.append,
            "InlineHtml": self._read_html,
        }
        for event in pyromark.events(body, options=MARKDOWN_OPTIONS):
            if isinstance(event, str):
                self._text(" ")
                continue
            for kind, value in event.items():
                if handler := handlers.get(kind):
                    handler(value)
        self._close_heading()
        self._close_table()
        self._close_code()
        self._close_section()

    # Markdown

    def _text(self, text: str) -> None:
        if self._image_depth:
            return
        if self._code:
            self._code[1].append(text)
        elif self._cell is not None:
            self._cell.append(text)
        elif self._heading:
            self._heading[1].append(text)
            if len(self._heading[1]) > _HEADING_CHARACTERS_MAX:
                self._close_heading()
        else:
            self._block.append(text)
        if self._inline is not None:
            self._inline.append(text)

    def _inline_code(self, text: str) -> None:
        if not (self._image_depth or self._code or self._heading):
            self._section.inline.append(text)
        self._text(text)

    def _start(self, tag: str | dict[str, Any]) -> None:
        if isinstance(tag, str):
            self._start_plain(tag)
            return
        for name, value in tag.items():
            if name == "Heading":
                self._close_table()  # an unclosed HTML table would take in the rest of the card
                self._open_heading(int(value["level"][1]))
            elif name == "Link":
                self._section.links.append(value["dest_url"])
            elif name == "Image":
                self._section.images.append(value["dest_url"])
                self._image_depth += 1
            elif name == "CodeBlock":
                self._flush()
                self._code = (_language(value), [])
            elif name in ("Table", "List", "BlockQuote"):
                self._flush()

    def _start_plain(self, tag: str) -> None:
        if tag == "Strong":
            self._strong_starts_block = not any(part.strip() for part in self._block)
        elif tag == "TableCell":
            self._cell = []
        elif tag in ("TableHead", "TableRow"):
            self._row = []
        elif tag in ("Paragraph", "HtmlBlock"):
            self._flush()
        elif tag == "Item":
            self._flush()
            self._section.list_items += 1

    def _end(self, tag: str | dict[str, Any]) -> None:
        name = tag if isinstance(tag, str) else next(iter(tag))
        if name == "Paragraph":
            self._flush(may_be_heading=True)
        elif name == "Strong":
            if self._strong_starts_block and self._lead is None:
                self._lead = "".join(self._block).strip()
        elif name == "Image":
            self._image_depth = max(0, self._image_depth - 1)
        elif name == "HtmlBlock":
            self._read_html("".join(self._html))
            self._html.clear()
        else:
            self._close(name)

    def _close(self, name: str) -> None:
        """The end of an element, by its name in Markdown or in HTML."""
        if name == "Heading" or name in _HEADINGS:
            self._close_heading()
        elif name in ("TableCell", "td", "th"):
            self._close_cell()
        elif name in ("TableHead", "TableRow", "tr"):
            self._close_row()
        elif name in ("Table", "table"):
            self._close_table()
        elif name in ("CodeBlock", "pre"):
            self._close_code()
        elif name in _CODE_TAGS:
            self._close_inline()
        elif name in ("List", "BlockQuote", "Item", "li") or name in _BLOCK_TAGS:
            self._flush()

    # What text collects into

    def _open_heading(self, level: int) -> None:
        self._flush()
        self._close_heading()
        self._heading = (level, [])

    def _close_heading(self) -> None:
        if self._heading:
            level, parts = self._heading
            self._heading = None
            title = " ".join("".join(parts).split())
            if title:
                self._begin_section(title[:_HEADING_CHARACTERS_MAX], level)

    def _begin_section(self, title: str, level: int) -> None:
        self._close_section()
        self._section = Section(title, level)

    def _close_section(self) -> None:
        self._flush()
        done = self._section
        if done.level or done.blocks or done.codes or done.tables or done.links or done.images:
            self.sections.append(done)
        self._section = Section()

    def _close_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row.append(" ".join("".join(self._cell).split()))
        self._cell = None

    def _close_row(self) -> None:
        self._close_cell()
        if self._row:
            self._rows.append(tuple(self._row))
        self._row = None

    def _close_table(self) -> None:
        self._close_row()
        if self._rows:
            self._section.tables.append(CardTable(tuple(self._rows)))
        self._rows = []

    def _close_code(self) -> None:
        if self._code:
            language, parts = self._code
            self._code = None
            text = "".join(parts)
            if language == _INDENTED and is_prose(text):
                self._section.blocks.append(" ".join(text.split()))
            elif text.strip():
                self._section.codes.append(Code("" if language == _INDENTED else language, text))

    def _close_inline(self) -> None:
        if self._inline and (text := " ".join("".join(self._inline).split())):
            self._section.inline.append(text)
        self._inline = None

    def _flush(self, *, may_be_heading: bool = False) -> None:
        """The block ends: it is a heading in disguise, or a paragraph, perhaps with a label."""
        self._inline = None  # an unclosed <code> ends with its paragraph
        if not self._block:
            return
        text = " ".join("".join(self._block).split())
        lead, self._lead = self._lead, None
        self._block.clear()
        if not text:
            return
        if may_be_heading and _is_heading_in_disguise(text, lead):
            self._begin_section(text.rstrip(" :："), PSEUDO_LEVEL)
            return
        self._section.blocks.append(text)
        if "://" in text:
            self._section.links.extend(_BARE_URL.findall(text))
        if label := _PLAIN_LABEL.match(text):
            self._section.labels.append((label[1], label[2]))

    # HTML

    def _read_html(self, raw: str) -> None:
        self.html_characters += len(raw)
        for is_tag, value in _html_pieces(raw):
            if is_tag:
                self._read_tag(value)
            else:
                self._text(html.unescape(value))

    def _read_tag(self, source: str) -> None:
        if source.startswith("/"):
            self._close(_tag_name(source[1:]))
        else:
            self._start_tag(self.count_tag(source), source)

    def count_tag(self, source: str) -> str:
        """Count a start tag; returns its name."""
        name = _tag_name(source)
        self.html_tags[name] += 1
        self.has_event_handler = self.has_event_handler or bool(_HANDLER.search(source))
        return name

    def _start_tag(self, name: str, source: str) -> None:
        if name in _HEADINGS:
            self._open_heading(_HEADINGS[name])
        elif name == "a":
            self._section.links.extend(_attribute(source, "href"))
        elif name == "img":
            self._section.images.extend(_attribute(source, "src"))
        elif name in ("td", "th") and self._row is not None:
            self._close_cell()
            self._cell = []
        elif name == "tr":
            self._close_row()
            self._row = []
        elif name == "table":
            self._flush()
            self._close_table()
        elif name == "pre":
            self._flush()
            self._code = ("", [])
        elif name in _CODE_TAGS:
            self._inline = None if self._code or self._heading else []
        elif name == "li":
            self._flush()
            self._section.list_items += 1
        elif name == "br":
            self._text(" ")
        elif name in _BLOCK_TAGS:
            self._flush()
        elif (self._code or self._inline is not None) and _BLANK_TAG.fullmatch(source):
            self._text(f"<{source}>")


def _language(kind: str | dict[str, str]) -> str:
    fence = kind["Fenced"] if isinstance(kind, dict) else None
    return _INDENTED if fence is None else (fence.split() or [""])[0].lower()


def is_prose(code: str) -> bool:
    """Whether an indented block holds sentences that were indented by mistake."""
    marks = sum(map(code.count, "=(){}[];<>_|"))
    return len(code.split()) >= 15 and marks < len(code) / 50 and bool(_SENTENCE.search(code))


def _is_heading_in_disguise(text: str, lead: str | None) -> bool:
    """A paragraph all in bold, or a few words that end with a colon."""
    words = len(text.split())
    if lead and lead.rstrip(":： ") == text.rstrip(":： "):
        return words <= 10 and len(text) <= 80 and not text.endswith(_SENTENCE_END)
    return words <= 4 and len(text) <= 40 and text.endswith((":", "："))


def _html_pieces(raw: str) -> Iterator[tuple[bool, str]]:
    """(whether it is a tag, its content) in order; every character is read once."""
    at = 0
    while (start := raw.find("<", at)) >= 0:
        if start > at:
            yield False, raw[at:start]
        end = raw.find(">", start)
        if end >= 0 and not raw.startswith(("!", "?"), start + 1):  # the mark of what was removed
            yield True, raw[start + 1 : end]
        at = end + 1 if end >= 0 else len(raw)
    if at < len(raw):
        yield False, raw[at:]


def _tag_name(source: str) -> str:
    match = re.match(r"[a-zA-Z][a-zA-Z0-9]*", source)
    return match[0].lower() if match else ""


def _attribute(source: str, name: str) -> list[str]:
    """The attribute's value, as a list of one or none; a data URI may be cut short."""
    at = source.lower().find(name)
    found = _ATTRIBUTE.match(source, at) if at >= 0 else None
    return [found[2].strip("\"'")[:2000]] if found else []
