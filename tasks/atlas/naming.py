"""What a kind of card is called: a name such as a person would give, by rules, from its terms and composition.

The head of a name comes from the first rule that fits: an untouched template, a conversion, the tool that wrote the
cards, the task of the models, adapters, and at last the terms alone. Then follow what sets the kind apart: a family of
models, a language, a library, an author. Deterministic; all that strangers wrote is made plain and bounded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tasks.atlas.terms import Composition, TermValue, word_file
from tasks.cards.templates import templates
from tasks.records import KindName

NAME_CHARACTERS_MAX = 60
DESCRIPTION_CHARACTERS_MAX = 240
BY_TERMS, BY_PERSON = "terms", "person"

# From which share of a kind's models on the kind is called after what they have in common.
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
    """What is known of a kind: counts, shares of its models (0-1), and what sets it apart from the others.

    `generated` has, by the name of a template or tool (`tasks/cards/templates.toml`), the share of models whose card
    nobody wrote; `top_author_share` is of models; `downloads_share` and `models_share` are of all the atlas;
    `base_share` is of models that other models name as their base, `base_model_share` of those that name one
    themselves; `non_english_share` is of models that name languages and not English, `languages` of models by
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
    median_parameters: int | None = None
    generated: Mapping[str, float] = field(default_factory=dict)
    languages: Mapping[str, float] = field(default_factory=dict)
    terms: tuple[tuple[str, float], ...] = ()
    composition: Composition = field(default_factory=Composition)

    @property
    def untouched_share(self) -> float:
        """Of models whose card is a form that nobody filled in."""
        return min(1.0, sum(share for name, share in self.generated.items() if name in _forms()))

    @property
    def written_by_tool_share(self) -> float:
        """Of models whose card a tool or bot wrote."""
        return min(1.0, sum(share for name, share in self.generated.items() if name not in _forms()))


def named(facts: Iterable[KindFacts], snapshot: date, named_at: datetime) -> list[KindName]:
    """The records of `name_kinds`, by kind."""
    names = name_kinds(facts)
    return [
        KindName(snapshot, kind, BY_TERMS, name, description, None, named_at)
        for kind, (name, description) in sorted(names.items())
    ]


def name_kinds(facts: Iterable[KindFacts]) -> dict[int, tuple[str, str]]:
    """Name and description by kind, names distinct but for case. Of two kinds alike the larger has the shorter name."""
    taken: set[str] = set()
    names: dict[int, tuple[str, str]] = {}
    for kind in sorted(facts, key=lambda kind: (-kind.models, -kind.texts, kind.kind)):
        name = next(name for name in _candidates(kind) if name.casefold() not in taken)
        taken.add(name.casefold())
        names[kind.kind] = name, describe(kind)
    return names


def name_of(facts: KindFacts) -> str:
    """The name that a kind has where no other kind claims it."""
    return next(_candidates(facts))


def describe(facts: KindFacts) -> str:
    """One or two sentences of at most 240 characters: how many of whom, and the words that tell the kind."""
    counted = (
        f"{facts.texts:,} {_of('text', facts.texts)} of {facts.models:,} {_of('model', facts.models)} "
        f"by {facts.authors:,} {_of('author', facts.authors)}"
    )
    told = [part for part in (_told_author(facts), _told_common(facts), _told_generated(facts)) if part]
    first = f"{counted}{''.join(f', {part}' for part in told)}."
    words = [word for word in (plain(term, _TERM_CHARACTERS_MAX) for term, _ in facts.terms) if word]
    for n in range(min(len(words), _TERMS_IN_DESCRIPTION), 0, -1):
        both = f"{first} Telling words: {', '.join(words[:n])}."
        if len(both) <= DESCRIPTION_CHARACTERS_MAX:
            return both
    return first if len(first) <= DESCRIPTION_CHARACTERS_MAX else f"{counted}."


# ----------------------------------------------------------------------------------------------- plain text

_KEPT = frozenset(" -+–’'")
_STOP = re.compile(r"(?<!\d)\.|\.(?!\d)")  # a full stop only within a number: "3.1", no address


def plain(text: str, characters_max: int) -> str:
    """Letters, digits, blanks, hyphens and the like, cut at a word's end where one is near; nothing else is kept.

    So no control character, no direction mark, no markup and no URL gets through. No brackets either: those in a name
    are this module's, so that none can imitate them.
    """
    seen = unicodedata.normalize("NFC", text[: 20 * characters_max])
    kept = "".join(char if _is_kept(char) else " " for char in _STOP.sub(" ", seen))
    return shortened(" ".join(kept.split()), characters_max)


def _is_kept(char: str) -> bool:
    return char in _KEPT or char == "." or unicodedata.category(char)[0] in "LMN"


def shortened(text: str, characters_max: int) -> str:
    """At most so many characters, ending with a whole word where the last one begins in the second half."""
    if len(text) <= characters_max:
        return text
    head = text[: characters_max + 1]
    blank = head.rfind(" ")
    return head[: blank if blank > characters_max // 2 else characters_max].rstrip(" ,-–(")


def _of(noun: str, n: int) -> str:
    return noun if n == 1 else f"{noun}s"


# ------------------------------------------------------------------------------------------------- the name


def _candidates(facts: KindFacts) -> Iterator[str]:
    """Names from the one a person would give to ever longer ones; at last the kind's number, which no other has."""
    head = _head(facts)
    details = list(_details(facts, head))
    terms = [term for term in _telling(facts) if not _says(" ".join([head, *details]), term)]
    if head:
        ending = " (fine-tuned)" if _is_fine_tuned(facts, head) else ""
        # The language of a kind is what most people look for, whatever stands before it.
        n = 2 if _language(facts) in details[1:2] else 1
        first, more = details[:n], [*details[n:], *terms]
        if _is_whole(head):
            first, more = [], [*details, *terms]
        elif not first and not _says_it_all(head):
            first, more = more[:1], more[1:]
        names = [_joined(head, first, ending)]
        names += [_joined(head, [*first, extra], ending) for extra in more]
        names += [_joined(head, [extra], ending) for extra in more]
        names += [head + ending, head]
    else:
        words = [*details, *terms] or ["cards that say little"]
        enough = min(_TERMS_IN_NAME, len(words))
        names = [
            _capital(", ".join(words[:n]))
            for n in (*range(enough, len(words) + 1), *range(enough - 1, 0, -1))
        ]
    yield from _fitting(names)
    number = f" (kind {facts.kind})"
    yield shortened(head or "Other cards", NAME_CHARACTERS_MAX - len(number)) + number


def _is_whole(head: str) -> bool:
    """Whether nothing need follow a head: of forms, and of tools that make one thing."""
    file = word_file()
    is_tool = head in file["templates"].values() and head not in file["formats"].values()
    return is_tool or head.startswith("Untouched")


def _says_it_all(head: str) -> bool:
    """Whether a word after a head would tell little: of those, and of conversions."""
    return _is_whole(head) or head in word_file()["formats"].values()


def _fitting(names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if 0 < len(name) <= NAME_CHARACTERS_MAX)


def _joined(head: str, details: Sequence[str], ending: str) -> str:
    said = ", ".join([head, *details])
    return said + ending if len(said + ending) <= NAME_CHARACTERS_MAX else said


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _says(text: str, word: str) -> bool:
    """Whether a name says a word already, or a word that begins like it."""
    return _stem(word) in _letters(text)


def _letters(text: str) -> str:
    # British and American spelling are one.
    return "".join(char for char in text.casefold() if char.isalnum()).replace("z", "s")


def _stem(word: str) -> str:
    letters = _letters(word)
    return letters[: max(4, len(letters) - 3)] if letters else "\0"


def _head(facts: KindFacts) -> str:
    """What most models of the kind are; empty where no rule fits."""
    for rule in _HEADS:
        if head := rule(facts):
            return head
    return ""


def _untouched(facts: KindFacts) -> str:
    if facts.untouched_share < UNTOUCHED_SHARE_MIN:
        return ""
    form = max((n for n in facts.generated if n in _forms()), key=lambda n: (facts.generated[n], n))
    return f"Untouched {_word('templates', form)}"


def _conversion(facts: KindFacts) -> str:
    top = _top(facts.composition.formats, FORMAT_SHARE_MIN, among=("gguf", "quantised", "onnx"))
    return _word("formats", top.value) if top else ""


def _of_a_tool(facts: KindFacts) -> str:
    """Tools whose name says what the models are come before the task; those that train anything do not."""
    tool = _tool(facts)
    return _word("templates", tool) if tool and tool not in _GENERAL_TOOLS else ""


def _of_a_task(facts: KindFacts) -> str:
    top = _top(facts.composition.pipelines, PIPELINE_SHARE_MIN)
    return _word("pipelines", top.value) if top else ""


def _adapters(facts: KindFacts) -> str:
    top = _top(facts.composition.formats, FORMAT_SHARE_MIN, among=("adapter",))
    return _word("formats", top.value) if top else ""


def _of_a_general_tool(facts: KindFacts) -> str:
    tool = _tool(facts)
    return _word("templates", tool) if tool else ""


def _of_a_library(facts: KindFacts) -> str:
    top = _top(facts.composition.libraries, LIBRARY_SHARE_MIN)
    return f"{_word('libraries', top.value)} models" if top and top.value != "transformers" else ""


def _of_a_family(facts: KindFacts) -> str:
    family = _family(facts)
    return f"{family} models" if family else ""


def _of_an_author(facts: KindFacts) -> str:
    author = _author(facts)
    return f"Models by {author}" if author else ""


_GENERAL_TOOLS = frozenset(
    {"trainer", "autotrain", "keras", "trl", "unsloth", "peft", "diffusers", "hub_mixin"}
)
_HEADS: tuple[Callable[[KindFacts], str], ...] = (
    *(_untouched, _conversion, _of_a_tool, _adapters, _of_a_task),
    *(_of_a_general_tool, _of_a_library, _of_a_family, _of_an_author),
)


def _details(facts: KindFacts, head: str) -> Iterator[str]:
    """What sets the kind apart from others of its head, the most telling first, none of it said before."""
    said = head
    for detail in (_family(facts), _language(facts), _library(facts), _author(facts)):
        if detail and not _says(said, detail):
            yield detail
            said += detail


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


def _author(facts: KindFacts) -> str:
    is_one = facts.top_author is not None and facts.top_author_share >= AUTHOR_SHARE_MIN
    return plain(facts.top_author or "", _TERM_CHARACTERS_MAX) if is_one else ""


def _telling(facts: KindFacts) -> Iterator[str]:
    """Terms that may stand in a name: no two that begin alike; as people write them."""
    written = word_file()["families"] | word_file()["spellings"]
    said = ""
    for word, _ in facts.terms:
        shown = plain(word, _TERM_CHARACTERS_MAX)
        if shown and not _says(said, shown):
            said += f" {shown} "
            yield str(written.get(shown, shown))


def _is_fine_tuned(facts: KindFacts, head: str) -> bool:
    if (
        head in word_file()["formats"].values()
        or head in word_file()["templates"].values()
        or "Untouched" in head
    ):
        return False
    return facts.base_model_share >= FINE_TUNED_SHARE_MIN or _tool(facts) in (
        "trainer",
        "autotrain",
        "trl",
        "unsloth",
    )


def _tool(facts: KindFacts) -> str | None:
    tools = {name: share for name, share in facts.generated.items() if name not in _forms()}
    name = max(tools, key=lambda name: (tools[name], name), default=None)
    return name if name is not None and tools[name] >= TOOL_SHARE_MIN else None


def _forms() -> frozenset[str]:
    return frozenset(template.name for template in templates() if template.kind == "form")


def _top(
    values: Iterable[TermValue], share_min: float, among: Iterable[str] | None = None
) -> TermValue | None:
    """Of the values that so many have, the one that is most over-represented among them."""
    allowed = None if among is None else frozenset(among)
    return next((v for v in values if v.share >= share_min and (allowed is None or v.value in allowed)), None)


def _word(table: str, value: str) -> str:
    """As people write it: by `words.toml`, else made plain."""
    known = word_file()[table].get(value)
    return str(known) if known else _capital(plain(value.replace("_", " "), 40))


# ------------------------------------------------------------------------------------------ the description


def _told_author(facts: KindFacts) -> str:
    author = _author(facts) if facts.authors > 1 else ""
    return f"{facts.top_author_share:.0%} of them by {author}" if author else ""


def _told_common(facts: KindFacts) -> str:
    top = _top(facts.composition.pipelines, PIPELINE_SHARE_MIN)
    task = _word("pipelines", top.value) if top else ""
    return f"{top.share:.0%} of them for {task[:1].lower()}{task[1:]}" if top and task else ""


def _told_generated(facts: KindFacts) -> str:
    share = facts.untouched_share + facts.written_by_tool_share
    return f"{share:.0%} with a card that nobody wrote" if share >= 0.1 else ""
