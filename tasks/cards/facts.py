"""What the parser sees in a card text, whoever judges it: counts, filled sections, template, oddities."""

from __future__ import annotations

from tasks.cards.boilerplate import Boilerplate, shipped
from tasks.cards.evidence import Evidence, Oddities, evidence_of, word_count
from tasks.records import CardFacts, CardText
from tasks.rubric import load_rubric

FACTS_VERSION = 2  # raise it with any change that gives another answer for some card

_LINE_CHARACTERS = 10_000
_TELLING_WORDS = 5  # in what no reader sees
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


def describe(card_text: CardText, table: Boilerplate | None = None) -> CardFacts:
    """Total: any text has facts. `table`: of boilerplate; null for the shipped one."""
    used = table or shipped()
    return facts_of(card_text, evidence_of(card_text.card_text, used), used)


def facts_of(card_text: CardText, evidence: Evidence, table: Boilerplate) -> CardFacts:
    """The facts of a card whose evidence has been gathered already, by that table of boilerplate."""
    card = evidence.card
    return CardFacts(
        card_hash=card_text.card_hash,
        facts_version=FACTS_VERSION,
        boilerplate=table.version,
        characters=len(card_text.card_text),
        words=sum(word_count(block) for block in card.blocks),
        own_words=word_count(evidence.own),
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


def flags_of(text: str, evidence: Evidence | Oddities) -> list[str]:
    """Oddities, in a fixed order. None of them is a fault by itself."""
    card = evidence.card
    lower = text.lower() if "<" in text or "[" in text else ""
    targets = [*card.images, *card.links]
    flags = {
        "nul": "\x00" in text,
        "replacement_characters": "\ufffd" in text,
        # a byte order mark at the start does not count
        "zero_width": any(mark in text[1:] for mark in ZERO_WIDTH),
        "bidi_control": any(mark in text for mark in BIDI),
        "huge_line": len(text) > _LINE_CHARACTERS and max(map(len, text.split("\n"))) > _LINE_CHARACTERS,
        "chat_template_tokens": any(token in lower for token in _CHAT_TOKENS),
        "script": "script" in card.html_tags,
        "iframe": "iframe" in card.html_tags,
        "event_handler": card.has_event_handler,
        "data_uri_image": any(target.startswith("data:") for target in targets),
        "javascript_link": any(target.lower().startswith("javascript:") for target in targets),
        "mostly_html": card.is_mostly_html,
        "hidden_comment": any(map(is_telling_comment, card.comments)),
        "hidden_text": word_count(card.hidden) >= _TELLING_WORDS,
        "truncated": card.is_truncated,
        "duplicate_keys": card.front_matter.duplicate_keys,
        "no_body": not card.sections,
        "placeholders": evidence.placeholders,
        "filler": evidence.filler_blocks,
        "addresses_a_judge": evidence.judge_talk,
    }
    return [flag for flag, is_found in flags.items() if is_found]


def is_telling_comment(comment: str) -> bool:
    """Whether a comment is one of a person: long enough to say something, and not of a known template."""
    return word_count(comment) >= _TELLING_WORDS and not comment.lower().lstrip("- ").startswith(
        _KNOWN_COMMENTS
    )
