"""Names of kinds of card, such as a person would give: by rules, from their terms and composition.

The head of a name comes from the first rule that fits: an untouched template, a conversion, the tool that wrote the
cards, adapters, the task of the models, and at last the terms alone. Details that set the kind apart follow: a family
of models, a language, a library, an author. Deterministic; all text from strangers is made plain and bounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tasks.atlas.terms import Composition, TermValue, word_file
from tasks.cards.templates import templates
from tasks.cards.vocabulary import libraries
from tasks.records import KindName
from tasks.sentences.numbers import decimal
from tasks.sentences.words import upper_first

NAME_CHARACTERS_MAX = 60
DESCRIPTION_CHARACTERS_MAX = 240

# The share of a kind's models from which on the kind is named for what they have in common.
UNTOUCHED_SHARE_MIN = 0.5
FORMAT_SHARE_MIN = 0.6
TOOL_SHARE_MIN = 0.6
PIPELINE_SHARE_MIN = 0.5
LIBRARY_SHARE_MIN = 0.6
FAMILY_SHARE_MIN = 0.5
LANGUAGE_SHARE_MIN = 0.6
AUTHOR_SHARE_MIN = 0.5
FINE_TUNED_SHARE_MIN = 0.6
_TERMS_IN_NAME = 3
_TERMS_IN_DESCRIPTION = 5
_TERM_CHARACTERS_MAX = 24


@dataclass(frozen=True, slots=True)
class KindFacts:
    """Facts of a kind: counts, shares of its models (0-1), and what sets it apart from the others.

    `generated` has, by the name of a template or tool (`tasks/cards/templates.toml`), the share of models whose card
    nobody wrote; `top_author_share` is of models; `downloads_share` and `models_share` are of the whole map;
    `base_share` is of models that other models name as their base, `base_model_share` of those that name one
    themselves; `non_english_share` is of models that name languages but not English, `languages` of models by
    language code.
    """

    kind: int
    texts: int
    models: int
    authors: int
    top_author: str | None = None
    top_author_share: float = 0.0
    models_share: float = 0.0
    downloads_share: float = 0.0
    base_share: float = 0.0
    base_model_share: float = 0.0
    non_english_share: float = 0.0
    generated: Mapping[str, float] = field(default_factory=dict)
    languages: Mapping[str, float] = field(default_factory=dict)
    terms: tuple[tuple[str, float], ...] = ()
    composition: Composition = field(default_factory=Composition)

    @property
    def untouched_share(self) -> float:
        """The share of models whose card is a form that nobody filled in."""
        return min(1.0, sum(share for name, share in self.generated.items() if name in _forms()))

    @property
    def written_by_tool_share(self) -> float:
        """The share of models whose card a tool or bot wrote."""
        return min(1.0, sum(share for name, share in self.generated.items() if name not in _forms()))


def named(facts: Iterable[KindFacts], snapshot: date, named_at: datetime) -> list[KindName]:
    """The names of `name_kinds` as records, in the order of kinds."""
    return [
        KindName(snapshot, kind, "terms", name, description, None, named_at)
        for kind, (name, description) in sorted(name_kinds(facts).items())
    ]


def name_kinds(facts: Iterable[KindFacts]) -> dict[int, tuple[str, str]]:
    """Name and description by kind. Names are distinct in any case; of similar kinds the larger has the shorter one."""
    taken: set[str] = set()
    names: dict[int, tuple[str, str]] = {}
    for kind in sorted(facts, key=lambda kind: (-kind.models, -kind.texts, kind.kind)):
        name = next(name for name in _candidates(kind) if name.casefold() not in taken)
        taken.add(name.casefold())
        names[kind.kind] = name, describe(kind)
    return names


def describe(facts: KindFacts) -> str:
    """One or two sentences of at most 240 characters: how many texts of whom, and the words that set it apart."""
    sizes = f"{counted(facts.texts, 'text')} of {counted(facts.models, 'model')} by {counted(facts.authors, 'author')}"
    first = f"{', '.join([sizes, *_facts_in_words(facts)])}."
    words = [word for word in (plain(term, _TERM_CHARACTERS_MAX) for term, _ in facts.terms) if word]
    for n in range(min(len(words), _TERMS_IN_DESCRIPTION), 0, -1):
        both = f"{first} Telling words: {', '.join(words[:n])}."
        if len(both) <= DESCRIPTION_CHARACTERS_MAX:
            return both
    return first if len(first) <= DESCRIPTION_CHARACTERS_MAX else f"{sizes}."


def _facts_in_words(facts: KindFacts) -> Iterator[str]:
    if facts.authors > 1 and (author := _author(facts)):
        yield f"{plain_percent(facts.top_author_share)} of them by {author}"
    top = _top(facts.composition.pipelines, PIPELINE_SHARE_MIN)
    if top and (task := _word("pipelines", top.value)):
        yield f"{plain_percent(top.share)} of them for {task[:1].lower()}{task[1:]}"
    if (share := facts.untouched_share + facts.written_by_tool_share) >= 0.1:
        yield f"{plain_percent(share)} with a card that nobody wrote"


# ----------------------------------------------------------------------------------------------- plain text

_KEPT = frozenset(" -+–’'.")
_STOP = re.compile(r"(?<!\d)\.|\.(?!\d)")  # a full stop only within a number: "3.1", no address


def plain(text: str, characters_max: int) -> str:
    """Only letters, digits, blanks, hyphens and the like, cut at the end of a word if one is near.

    No control character, direction mark, markup or URL gets through. No brackets either: those in a name are written
    by this module, and a stranger cannot imitate them.
    """
    seen = _STOP.sub(" ", unicodedata.normalize("NFC", text[: 20 * characters_max]))
    kept = "".join(c if c in _KEPT or unicodedata.category(c)[0] in "LMN" else " " for c in seen)
    return shortened(" ".join(kept.split()), characters_max)


def shortened(text: str, characters_max: int) -> str:
    """At most so many characters, up to the end of a word if one ends in the second half."""
    if len(text) <= characters_max:
        return text
    head = text[: characters_max + 1]
    blank = head.rfind(" ")
    return head[: blank if blank > characters_max // 2 else characters_max].rstrip(" ,-–(")


def plain_percent(share: float) -> str:
    """A share as whole per cent, with an ordinary blank: descriptions are kept as plain text."""
    return f"{decimal(100 * share, 0)} %"


def counted(n: int, noun: str) -> str:
    """A number of things, such as `1 card` or `1,200 cards`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


# ------------------------------------------------------------------------------------------------- the name


def _candidates(facts: KindFacts) -> Iterator[str]:
    """Names, the one that a person would give first, then longer ones; at last one with the kind's unique number."""
    head = _head(facts)
    details = list(_details(facts, head))
    terms = [term for term in _telling(facts) if not _contains(" ".join([head, *details]), term)]
    if head:
        ending = " (fine-tuned)" if _is_fine_tuned(facts, head) else ""
        # The language of a kind is what most people look for, whatever comes before it.
        n = 2 if _language(facts) in details[1:2] else 1
        first, more = details[:n], [*details[n:], *terms]
        if _is_whole(head):
            first, more = [], [*details, *terms]
        elif not first and head not in word_file()["formats"].values():  # a conversion needs no detail
            first, more = more[:1], more[1:]
        names = [_joined(head, first, ending)]
        names += [_joined(head, [*first, extra], ending) for extra in more]
        names += [_joined(head, [extra], ending) for extra in more]
        names += [head + ending, head]
    else:
        words = [*details, *terms] or ["cards that say little"]
        enough = min(_TERMS_IN_NAME, len(words))
        names = [
            upper_first(", ".join(words[:n]))
            for n in (*range(enough, len(words) + 1), *range(enough - 1, 0, -1))
        ]
    yield from (name for name in names if 0 < len(name) <= NAME_CHARACTERS_MAX)
    number = f" (kind {facts.kind})"
    yield shortened(head or "Other cards", NAME_CHARACTERS_MAX - len(number)) + number


def _is_whole(head: str) -> bool:
    """Whether a head needs no details: that of a form, or of a tool that makes one thing."""
    file = word_file()
    is_tool = head in file["templates"].values() and head not in file["formats"].values()
    return is_tool or head.startswith("Untouched")


def _joined(head: str, details: Sequence[str], ending: str) -> str:
    name = ", ".join([head, *details])
    return name + ending if len(name + ending) <= NAME_CHARACTERS_MAX else name


def _contains(text: str, word: str) -> bool:
    """Whether a name contains a word, or one with the same beginning."""
    return _stem(word) in _letters(text)


def _letters(text: str) -> str:
    # British and American spelling are one.
    return "".join(char for char in text.casefold() if char.isalnum()).replace("z", "s")


def _stem(word: str) -> str:
    letters = _letters(word)
    return letters[: max(4, len(letters) - 3)] if letters else "\0"


def _head(facts: KindFacts) -> str:
    """What most models of the kind are, by the first rule that fits; empty where none does."""
    tool, library, family, author = _tool(facts), _library(facts), _family(facts), _author(facts)
    tool_name = _word("templates", tool) if tool else ""
    return (
        _untouched(facts)
        or _common(facts, "formats", FORMAT_SHARE_MIN, among=("gguf", "quantised", "onnx"))
        or (tool_name if tool not in _GENERAL_TOOLS else "")
        or _common(facts, "formats", FORMAT_SHARE_MIN, among=("adapter",))
        or _common(facts, "pipelines", PIPELINE_SHARE_MIN)
        or tool_name
        or (f"{library} models" if library else "")
        or (f"{family} models" if family else "")
        or (f"Models by {author}" if author else "")
    )


# They train models for anything: the task says more. The names of other tools say what the models are.
_GENERAL_TOOLS = frozenset(
    {
        *("trainer", "axolotl", "llama_factory", "h2o_llm_studio", "trl", "unsloth", "peft", "autotrain"),
        *("keras", "keras_hub", "diffusers", "diffusers_default", "hub_mixin"),
    }
)


def _untouched(facts: KindFacts) -> str:
    if facts.untouched_share < UNTOUCHED_SHARE_MIN:
        return ""
    form = max((n for n in facts.generated if n in _forms()), key=lambda n: (facts.generated[n], n))
    return f"Untouched {_word('templates', form)}"


def _details(facts: KindFacts, head: str) -> Iterator[str]:
    """What sets the kind apart from others with its head, the most telling first, without repetition."""
    name = head
    for detail in (_family(facts), _language(facts), _library(facts), _author(facts)):
        if detail and not _contains(name, detail):
            yield detail
            name += detail


def _family(facts: KindFacts) -> str:
    families = word_file()["families"]
    top = _top(facts.composition.tags, FAMILY_SHARE_MIN, among=families)
    return str(families[top.value]) if top else ""


def _language(facts: KindFacts) -> str:
    code, share = max(facts.languages.items(), key=lambda item: (item[1], item[0]), default=("en", 0.0))
    is_one = code != "en" and share >= LANGUAGE_SHARE_MIN
    return str(word_file()["languages"].get(code, "")) if is_one else ""


def _library(facts: KindFacts) -> str:
    top = _top(facts.composition.libraries, LIBRARY_SHARE_MIN)
    return _word("libraries", top.value) if top and top.value != "transformers" else ""


def _common(facts: KindFacts, column: str, share_min: float, among: Iterable[str] | None = None) -> str:
    """The value of a column that so many models have, as people write it; empty where there is none."""
    top = _top(getattr(facts.composition, column), share_min, among)
    return _word(column, top.value) if top else ""


def _author(facts: KindFacts) -> str:
    is_one = facts.top_author is not None and facts.top_author_share >= AUTHOR_SHARE_MIN
    return plain(facts.top_author or "", _TERM_CHARACTERS_MAX) if is_one else ""


def _telling(facts: KindFacts) -> Iterator[str]:
    """Terms for a name, as people write them; no two have the same beginning."""
    spellings = word_file()["families"] | word_file()["spellings"]
    before = ""
    for word, _ in facts.terms:
        term = plain(word, _TERM_CHARACTERS_MAX)
        if term and not _contains(before, term):
            before += f" {term} "
            yield str(spellings.get(term, term))


def _is_fine_tuned(facts: KindFacts, head: str) -> bool:
    others = {*word_file()["formats"].values(), *word_file()["templates"].values()}
    if head in others or "Untouched" in head:
        return False
    tools = ("trainer", "autotrain", "axolotl", "llama_factory", "h2o_llm_studio", "trl", "unsloth")
    return facts.base_model_share >= FINE_TUNED_SHARE_MIN or _tool(facts) in tools


def _tool(facts: KindFacts) -> str | None:
    tools = {name: share for name, share in facts.generated.items() if name not in _forms()}
    name = max(tools, key=lambda name: (tools[name], name), default=None)
    return name if name is not None and tools[name] >= TOOL_SHARE_MIN else None


def _forms() -> frozenset[str]:
    return frozenset(template.name for template in templates() if template.kind == "form")


def _top(
    values: Iterable[TermValue], share_min: float, among: Iterable[str] | None = None
) -> TermValue | None:
    """The most over-represented of the values that so many models have."""
    allowed = None if among is None else frozenset(among)
    return next((v for v in values if v.share >= share_min and (allowed is None or v.value in allowed)), None)


def _word(table: str, value: str) -> str:
    """A value as people write it: by `words.toml`, a library also by the Hub's own name of it, else made plain."""
    known = word_file()[table].get(value)
    if not known and table == "libraries" and value in libraries():
        known = libraries()[value].name
    return str(known) if known else upper_first(plain(value.replace("_", " "), 40))
