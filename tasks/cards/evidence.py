"""What counts in a card: filled sections of the taxonomy, distinct prose, the part that no tool wrote.

Placeholders, filler, repetitions and text that talks to a judge are taken out before anything is measured, so
that padding a card cannot raise a score. Every measure of length is the *substance* of a text: how many
distinct words it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from tasks.cards.boilerplate import Boilerplate, shipped
from tasks.cards.parse import PSEUDO_LEVEL, Card, CardTable, Code, Section, parse_card
from tasks.cards.spelling import plain
from tasks.cards.taxonomy import is_whole_name, normal_heading, sections_meant, sections_named
from tasks.cards.templates import Template, placeholders, recognise
from tasks.cards.unfilled import unfilled
from tasks.rubric import load_rubric

OWN_WORDS_MIN = 40  # distinct words beyond the tool's own, from which a person has edited the card
_FORM_WORDS_MIN = 12  # distinct words of a card that a form or tool may have written
_FORM_OWN_SHARE = 0.35  # of them at most are the publisher's, where nothing else tells a form
_WORDS_MIN = {"license": 1, "contact": 1}  # distinct words that fill a section; three for the others
_TELLING_TITLE_WORDS = 6
_DESCRIPTION_WORDS_MIN = 8  # distinct words before the first section that describe a model without a heading
_LINK_LABELS = frozenset({"paper", "papers", "publication", "publications", "reference", "references"})

# ------------------------------------------------------------------------------------------------- words

# Chinese, Japanese, Thai and other scripts that do not put spaces between words.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_WORD = re.compile(r"[^\W\d_]{2,}")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")


def word_count(text: str) -> int:
    """Words between spaces; two characters of an unspaced script count as one."""
    if text.isascii():
        return len(text.split())
    unspaced = sum(map(len, _UNSPACED.findall(text)))
    return len(_UNSPACED.sub(" ", text).split()) + (unspaced + 1) // 2


def substance(text: str) -> int:
    """Distinct words without addresses; in unspaced scripts, 5 for every 8 distinct pairs of characters."""
    text = _ADDRESS.sub(" ", text.casefold()) if "://" in text or "www." in text else text.casefold()
    if text.isascii():
        return len(set(_WORD.findall(text)))
    pairs = {run[i : i + 2] for run in _UNSPACED.findall(text) for i in range(0, max(1, len(run) - 1))}
    return len(set(_WORD.findall(_UNSPACED.sub(" ", text)))) + (5 * len(pairs) + 7) // 8


_PUNCTUATION = re.compile(r"[.!?;:。！？；：،؟।]")
# Small words of the Hub's most common languages: prose has them, a string of keywords does not.
_SMALL = """
the of and is in to for on with a an we this that it be are der die das und ist für mit auf ein le la les de et est
pour un el los y en que por una o os e do da em para и в на с для di che il per dan yang untuk ve bir và của là van het
een och i
"""
_SMALL_WORDS = frozenset(_SMALL.split())


_FILLER_WORDS = 30


def is_filler(block: str) -> bool:
    """Whether a paragraph repeats itself, or strings thirty words together without a sentence."""
    if len(block) < 2 * _FILLER_WORDS - 1:  # a word and a blank each
        return False
    words = block.casefold().split()
    if len(words) < _FILLER_WORDS:
        return False
    if len(set(words)) < 0.35 * min(len(words), 300):
        return True
    small = sum(word in _SMALL_WORDS for word in words)
    return small < len(words) / 10 and not _PUNCTUATION.search(block)


# -------------------------------------------------------------------------------------------- placeholders

_SENTENCES = re.compile(r"(?<=[.!?。！？])\s+")


def holds_any(text: str, phrases: tuple[str, ...]) -> bool:
    """A plain loop: a generator would take most of the time of gathering."""
    for phrase in phrases:  # noqa: SIM110
        if phrase in text:
            return True
    return False


# ----------------------------------------------------------------------------------- talking to the judge

# Without any of these there is no such talk; the pattern below is too slow to run on every card.
_JUDGE_CUES = (
    "ignor|disregard|forget|judge|grader|evaluator|reviewer|rater | llm|this card|this readme|this document|rate this"
    "|score this|score of |rating of |score or |5/5|perfect score|highest score|full marks|maximum score|top score"
    "|忽略|无视|無視|满分|最高分"
)
_JUDGE_WORDS = tuple(_JUDGE_CUES.split("|"))
_JUDGE_TALK = re.compile(
    r"(?:ignore|disregard|forget)\W+(?:\w+\W+){0,3}?(?:previous|prior|above|earlier|preceding)\W+(?:\w+\W+){0,2}?"
    r"(?:instruction|prompt|rule|guideline|direction|text)"
    r"|(?:attention|dear|note to|message (?:to|for)|instructions? (?:to|for))\W+(?:\w+\W+){0,3}?"
    r"(?:judge|grader|evaluator|reviewer|llm|language model|ai)\b"
    r"|you are (?:a|an|the) (?:\w+ ){0,3}?(?:judge|grader|evaluator|reviewer|rater)\b"
    r"|(?:give|assign|award|rate|score|grade|mark)\W+(?:\w+\W+){0,4}?(?:card|readme|document)\b\W+(?:\w+\W+){0,6}?"
    r"(?:5|five|10|ten|perfect|highest|maximum|top|full)\b"
    r"|(?:give|assign|award)\W+(?:\w+\W+){0,4}?(?:score|rating|grade)\W+(?:of\W+)?(?:5|five|10|ten|perfect)\b"
    r"|(?:give|award|deserves)\W+(?:\w+\W+){0,3}?(?:highest|maximum|perfect|full|top)\W+(?:score|rating|marks|grade)"
    r"|(?:忽略|无视|無視)\S{0,8}(?:指令|指示|提示|说明)|(?:以前|上記|前)の指示を無視|给\S{0,8}(?:满分|最高分|5分)"
    r"|ignoriere\W+(?:\w+\W+){0,3}?anweisungen|ignor[ae]\W+(?:\w+\W+){0,3}?(?:instrucciones|instruções|istruzioni)"
    r"|ignore[zr]?\W+(?:\w+\W+){0,3}?(?:consignes|instructions)"
)


def addresses_a_judge(text: str) -> bool:
    """Whether the text tries to steer whoever scores the card."""
    return bool(text) and _addresses_a_judge(text.casefold())


def _addresses_a_judge(folded: str) -> bool:
    return holds_any(folded, _JUDGE_WORDS) and bool(_JUDGE_TALK.search(folded))


# ---------------------------------------------------------------------------------------------- evidence


@dataclass(slots=True)
class Part:
    """Everything in a card that belongs to one section of the taxonomy, wherever it is."""

    texts: list[str] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    tables: list[CardTable] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    has_label: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    def is_filled(self, words_min: int) -> bool:
        return (
            bool(self.has_label or self.codes or self.tables or self.links)
            or substance(self.text) >= words_min
        )


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the checks look at; every text but those of the parts is casefolded.

    Compared by identity, so that checks can share what they compute. `titles` are the headings, `code` the blocks of
    code in one, `inline` the pieces of code within the text, one per line. `intro` is the title and what comes before
    the details; its `statements` can tell what the model is, and so can its `asides`, which stand under headings that
    name no section of the taxonomy. `own`: what no tool wrote and no table of boilerplate holds. `words` and
    `own_words` are substances.
    """

    card: Card
    template: Template | None
    is_generated: bool
    prose: str
    own: str
    own_words: int
    titles: str
    intro: str
    statements: tuple[str, ...]
    asides: tuple[str, ...]
    words: int
    parts: dict[str, Part]
    filled_headings: int
    placeholders: int
    filler_blocks: int
    judge_talk: bool
    code: str
    inline: str

    def part(self, *names: str) -> str:
        """The text of the named sections, joined; empty where none is filled."""
        return "\n".join(self.parts[name].text for name in names if name in self.parts)


def evidence_of(text: str, table: Boilerplate | None = None) -> Evidence:
    """The evidence in a card text, front matter included. `table`: of boilerplate; null for the shipped one."""
    return gather(parse_card(text), table)


def gather(card: Card, table: Boilerplate | None = None) -> Evidence:
    """The evidence in a parsed card."""
    body = card.body.casefold()
    template = recognise(body, _tags(card), {normal_heading(s.title) for s in card.headings})
    sieve = _sieve_of(card)
    cleaned = [(section, sieve.blocks(section)) for section in card.sections]
    prose = "\n".join(block for _, blocks in cleaned for block in blocks).casefold()
    own = "\n".join(_own_blocks(cleaned, template, table or shipped())).casefold()
    titles = plain("\n".join(section.title for section in card.sections)).casefold()
    named = _named(cleaned)
    intro, is_aside = _intro(named, template)
    words = substance(prose)
    own_words = words if len(own) == len(prose) else substance(own)
    parts = _parts(named, sieve)
    told = "\n".join(filter(_is_statement, intro))
    if substance(told) >= _DESCRIPTION_WORDS_MIN and not parts["description"].texts:
        parts["description"].texts.append(told)
    is_untouched = template is not None and (template.kind != "form" or sieve.placeholders >= 3)
    is_form = words >= _FORM_WORDS_MIN and own_words <= _FORM_OWN_SHARE * words
    return Evidence(
        card=card,
        template=template,
        is_generated=(is_untouched or is_form) and own_words < OWN_WORDS_MIN,
        prose=prose,
        own=own,
        own_words=own_words,
        titles=titles,
        intro="\n".join(intro).casefold(),
        statements=_statements(intro, is_aside, False),
        asides=_statements(intro, is_aside, True),
        words=words,
        parts={name: part for name, part in parts.items() if part.is_filled(_WORDS_MIN.get(name, 3))},
        filled_headings=_filled_headings(cleaned),
        placeholders=sieve.placeholders,
        filler_blocks=sieve.filler,
        judge_talk=_talks_to_a_judge(card, sieve),
        code="\n".join(code.text for code in card.codes).casefold(),
        inline="\n".join(
            [" ".join(c.split()) for section in card.sections for c in section.inline]
        ).casefold(),
    )


@dataclass(frozen=True, slots=True)
class Oddities:
    """The part of the evidence that flags are made from."""

    card: Card
    placeholders: int
    filler_blocks: int
    judge_talk: bool


def oddities_of(card: Card) -> Oddities:
    """The same values as in the card's `Evidence`, at a third of the time."""
    sieve = _sieve_of(card)
    for section in card.sections:
        sieve.blocks(section)
        for label, text in section.labels:
            if is_whole_name(label):
                sieve.clean(text)
    return Oddities(card, sieve.placeholders, sieve.filler, _talks_to_a_judge(card, sieve))


def _sieve_of(card: Card) -> _Sieve:
    raw = "\n".join(card.blocks).casefold()
    talks = _addresses_a_judge(card.body.casefold()) or addresses_a_judge(card.hidden)
    return _Sieve(tuple([phrase for phrase in placeholders() if phrase in raw]), talks)


def _talks_to_a_judge(card: Card, sieve: _Sieve) -> bool:
    return sieve.talks or any(addresses_a_judge(comment) for comment in card.comments)


def _tags(card: Card) -> set[str]:
    tags = card.metadata.get("tags")
    return {tag for tag in (tags if isinstance(tags, list) else [tags]) if isinstance(tag, str)}


@dataclass(slots=True)
class _Sieve:
    """Lets through what says something, and counts placeholders and filler.

    `present` are the placeholders that occur in the card at all; `talks`: some text in it may talk to a judge.
    """

    present: tuple[str, ...]
    talks: bool
    placeholders: int = 0
    filler: int = 0

    def clean(self, block: str) -> str:
        """The block without sentences that hold a placeholder; empty where nothing is left or it talks to a judge."""
        block = plain(block)
        if self.present and holds_any(block.casefold(), self.present):
            self.placeholders += 1
            block = " ".join(s for s in _SENTENCES.split(block) if not holds_any(s.casefold(), self.present))
        if kind := unfilled(block):
            self.placeholders += kind == "left_open"
            return ""
        return "" if self.talks and addresses_a_judge(block) else block

    def blocks(self, section: Section) -> list[str]:
        """The cleaned blocks of a section without filler."""
        cleaned = list(filter(None, map(self.clean, section.blocks)))
        kept = [text for text in cleaned if not is_filler(text)]
        self.filler += len(cleaned) - len(kept)
        return kept


Cleaned = list[tuple[Section, list[str]]]


def _own_blocks(cleaned: Cleaned, template: Template | None, table: Boilerplate) -> Iterator[str]:
    """What neither the template's tool wrote nor everybody, block by block. A bot's card has none."""
    if template and template.kind == "bot":
        return
    if not template:
        yield from filter(None, (table.own(block) for _, blocks in cleaned for block in blocks))
        return
    kept = [
        block
        for section, blocks in cleaned
        for block in blocks
        if normal_heading(section.title) not in template.titles
    ]
    supplied = template.wrote([block.casefold() for block in kept])
    for block in kept:
        if block.casefold() not in supplied and (own := table.own(block)):
            yield own


def _named(cleaned: Cleaned) -> list[tuple[Section, list[str], frozenset[str]]]:
    """Each with the sections that its heading announces. A card's title announces one only when it is nothing else."""
    title = _title_of([section for section, _ in cleaned])
    return [
        (section, blocks, frozenset() if section is title else _sections_of(section.title, blocks))
        for section, blocks in cleaned
    ]


def _sections_of(title: str, blocks: list[str]) -> frozenset[str]:
    names = sections_named(title)
    return sections_meant(names, title, " ".join(blocks)) if names else names


def _title_of(sections: list[Section]) -> Section | None:
    """The card's title: its first heading, if it is of level 1 or above all others, and more than a section's name."""
    titled = [section for section in sections if section.title]
    if not titled or is_whole_name(titled[0].title):
        return None
    level = titled[0].level
    is_above = level < PSEUDO_LEVEL and len(titled) > 1 and all(level < other.level for other in titled[1:])
    return titled[0] if level == 1 or is_above else None


def _parts(named: list[tuple[Section, list[str], frozenset[str]]], sieve: _Sieve) -> dict[str, Part]:
    """What each section of the taxonomy holds: under its heading, under sub-headings without a name, in labels."""
    parts: dict[str, Part] = {section.id: Part() for section in load_rubric().sections}
    open_levels: list[tuple[int, frozenset[str]]] = []
    for section, blocks, names in named:
        while open_levels and open_levels[-1][0] >= section.level:
            open_levels.pop()
        if names:
            open_levels.append((section.level, names))
        names_here = names or (open_levels[-1][1] if open_levels else frozenset())
        for name in names_here:
            part = parts[name]
            part.texts += blocks
            part.codes += section.codes
            part.tables += section.tables
            part.links += section.links if blocks or section.codes else ()
        for label, text in section.labels:
            if is_whole_name(label) and (written := sieve.clean(text)):
                for name in _labelled(label, written, names_here):
                    parts[name].texts.append(written)
                    parts[name].has_label = True
    return parts


_VERSION = re.compile(r"\W*v?\d+\.\d")


def _labelled(label: str, text: str, around: frozenset[str]) -> frozenset[str]:
    """The sections that a label announces.

    "Dataset: squad" within an evaluation is what was tested on, "Datasets: 4.4.1" a library, "Paper: ..." only a link.
    """
    names = _sections_of(label, [text])
    if "training_data" in names and (
        _VERSION.match(text) or ("evaluation" in around and "train" not in label.casefold())
    ):
        return names - {"training_data"}
    return names - {"citation"} if normal_heading(label) in _LINK_LABELS else names


def _intro(
    named: list[tuple[Section, list[str], frozenset[str]]], template: Template | None
) -> tuple[list[str], list[bool]]:
    """What a reader meets first, all before the first section of another kind and the description; which are asides."""
    opening = _opening_formulas(template)
    title = _title_of([section for section, _, _ in named])
    kept: list[str] = []
    is_aside: list[bool] = []
    is_before = True
    for section, blocks, names in named:
        if not kept and _is_telling(section.title):
            kept.append(section.title)
        is_before = is_before and (not names or "description" in names)
        if is_before or "description" in names:
            kept += (b for b in blocks if not holds_any(b.casefold(), opening))
        is_other = bool(section.title) and not names and section is not title
        is_aside += [is_other] * (len(kept) - len(is_aside))
    return kept, is_aside


def _statements(intro: list[str], is_aside: list[bool], wanted: bool) -> tuple[str, ...]:
    """The statements of an opening, casefolded: its asides, or all others."""
    pairs = zip(intro, is_aside, strict=True)
    return tuple(block.casefold() for block, aside in pairs if aside == wanted and _is_statement(block))


# Notices, and lists of links or of facts: what stands between a title and a description.
_NOTICE = re.compile(
    r"\W*(?:note|nb|n\.b|notice|warning|update[sd]?|news|important|attention|edit|disclaimer|tip|caution|announcement|changelog|todo"
    r"|join (?:us|our|the)|follow (?:us|me)|support (?:us|me)|buy me|back to)\b(?!\s\w+ (?:is|are)\b)",
    re.IGNORECASE,
)
_FACT = re.compile(r"[^:：]{2,40}[:：]\s*(.{0,60})$", re.DOTALL)
_STATEMENT_WORDS_MIN = 5


def _is_statement(block: str) -> bool:
    """Whether a paragraph can tell what a model is: no notice, no row of links, no "License: MIT"."""
    if word_count(block) < _STATEMENT_WORDS_MIN or _NOTICE.match(block):
        return False
    if sum(map(block.count, "|•·")) >= 2:
        return False
    fact = _FACT.match(block) if len(block) < 110 else None
    return fact is None or word_count(fact[1]) > _STATEMENT_WORDS_MIN


def _is_telling(title: str) -> bool:
    """Whether a title is like a sentence rather than a list of keywords."""
    words = title.casefold().split()
    return len(words) >= _TELLING_TITLE_WORDS and not _SMALL_WORDS.isdisjoint(words)


@cache
def _opening_formulas(template: Template | None) -> tuple[str, ...]:
    """A tool's opening phrases, which do not describe the model."""
    formulas = template.boilerplate if template else ()
    return tuple(formula for formula in formulas if formula.startswith(("this model", "it achieves")))


def _filled_headings(cleaned: Cleaned) -> int:
    """Distinct headings with something of their own beneath them, the card's title not counted."""
    filled = {
        normal_heading(section.title)
        for section, blocks in cleaned
        if 0 < section.level <= PSEUDO_LEVEL and (blocks or section.codes or section.tables or section.images)
    }
    first = next((section for section, _ in cleaned if section.title), None)
    return len(filled - {normal_heading(first.title)} if first and first.level == 1 else filled)
