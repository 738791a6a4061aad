"""What the parser sees in a card text, whoever judges it: counts, filled sections, template, oddities."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.cards.evidence import Evidence, evidence_of, word_count
from tasks.cards.parse import Card
from tasks.records import CardFacts, CardText
from tasks.rubric import load_rubric

FACTS_VERSION = 1  # raise it with any change that gives another answer for some card

_HUGE_LINE_CHARACTERS = 10_000
_CHAT_TOKENS = (
    *("<|im_start|>", "<|im_end|>", "[inst]", "<|system|>", "<|user|>", "<|assistant|>", "<start_of_turn>"),
    *("<|start_header_id|>", "<|eot_id|>", "<<sys>>", "<|begin_of_text|>"),
)
ZERO_WIDTH = ("\u200b", "\u2060", "\ufeff")
BIDI = tuple("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
# Comments of templates begin like this; any other comment was written by a person.
_KNOWN_COMMENTS = (
    *("this model card has been", "provide a ", "provide the", "address questions", "this section", "fp32"),
    *("this should link", "these are the", "relevant interp", "total emissions", "if there is a paper"),
    *("if relevant", "- describe", "describe your", "## ", "### ", "[optional", "*list"),
)


def describe(card_text: CardText) -> CardFacts:
    """Total: any text has facts."""
    return facts_of(card_text, evidence_of(card_text.card_text))


def facts_of(card_text: CardText, evidence: Evidence) -> CardFacts:
    """The facts of a card whose evidence has been gathered already."""
    card = evidence.card
    return CardFacts(
        card_hash=card_text.card_hash,
        facts_version=FACTS_VERSION,
        characters=len(card_text.card_text),
        words=sum(word_count(block) for block in card.blocks),
        headings=len(card.headings),
        code_blocks=len(card.codes),
        links=len(card.links),
        images=len(card.images),
        tables=len(card.tables),
        has_front_matter=card.front_matter.is_closed,
        front_matter_error=card.front_matter.error,
        metadata_keys=list(card.metadata),
        sections=[section.id for section in load_rubric().sections if section.id in evidence.parts],
        template=evidence.template.name if evidence.template else None,
        is_generated=evidence.is_generated,
        flags=flags_of(card_text.card_text, evidence),
    )


def flags_of(text: str, evidence: Evidence) -> list[str]:
    """Oddities, in a fixed order. None of them is a fault by itself."""
    return [*_flags_of_text(text), *_flags_of_markup(evidence.card), *_flags_of_content(evidence)]


def _flags_of_text(text: str) -> Iterator[str]:
    if "\x00" in text:
        yield "nul"
    if "\ufffd" in text:
        yield "replacement_characters"
    if any(mark in text[1:] for mark in ZERO_WIDTH):  # a byte order mark at the start does not count
        yield "zero_width"
    if any(mark in text for mark in BIDI):
        yield "bidi_control"
    if len(text) > _HUGE_LINE_CHARACTERS and max(map(len, text.split("\n"))) > _HUGE_LINE_CHARACTERS:
        yield "huge_line"
    lower = text.lower() if "<" in text or "[" in text else ""
    if any(token in lower for token in _CHAT_TOKENS):
        yield "chat_template_tokens"


def _flags_of_markup(card: Card) -> Iterator[str]:
    for tag in ("script", "iframe"):
        if tag in card.html_tags:
            yield tag
    if card.has_event_handler:
        yield "event_handler"
    targets = [*card.images, *card.links]
    if any(target.startswith("data:") for target in targets):
        yield "data_uri_image"
    if any(target.lower().startswith("javascript:") for target in targets):
        yield "javascript_link"
    if card.html_characters > 500 and card.html_characters > len(card.body) / 2:
        yield "mostly_html"
    if any(is_telling_comment(comment) for comment in card.comments):
        yield "hidden_comment"
    if len(card.hidden.split()) >= 5:
        yield "hidden_text"
    if card.is_truncated:
        yield "truncated"


def is_telling_comment(comment: str) -> bool:
    return len(comment.split()) >= 5 and not comment.lower().lstrip("- ").startswith(_KNOWN_COMMENTS)


def _flags_of_content(evidence: Evidence) -> Iterator[str]:
    if evidence.card.front_matter.duplicate_keys:
        yield "duplicate_keys"
    if not evidence.card.sections:
        yield "no_body"
    if evidence.placeholders:
        yield "placeholders"
    if evidence.filler_blocks:
        yield "filler"
    if evidence.judge_talk:
        yield "addresses_a_judge"
