"""What is known of each kind, counted from its cards and its models, one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

from tasks.atlas.naming import KindFacts
from tasks.atlas.terms import CompositionCounts, TermCounts, languages_of, telling_words

TERMS = 12
WORDS_KEPT = 12  # of a card, for searching: those that it says first


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model as `sql/out/kind_models.sql` gives it; `template` is that of a card that a tool wrote, or nobody."""

    card_hash: str
    author: str | None
    tags: list[str]
    library_name: str | None
    pipeline_tag: str | None
    model_format: str
    downloads: int
    parameters: int | None
    template: str | None
    is_base: bool
    has_base: bool


@dataclass(slots=True)
class _Tally:
    """A kind's models, counted."""

    texts: set[str] = field(default_factory=set)
    models: int = 0
    downloads: int = 0
    bases: int = 0
    with_base: int = 0
    non_english: int = 0
    authors: Counter[str] = field(default_factory=Counter)
    generated: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    parameters: list[int] = field(default_factory=list)

    def count(self, model: ModelRow) -> None:
        languages = languages_of(model.tags)
        self.texts.add(model.card_hash)
        self.models += 1
        self.downloads += model.downloads
        self.bases += model.is_base
        self.with_base += model.has_base
        self.non_english += bool(languages) and "en" not in languages
        self.languages.update(languages)
        if model.author:
            self.authors[model.author] += 1
        if model.template:
            self.generated[model.template] += 1
        if model.parameters:
            self.parameters.append(model.parameters)


def words_of_cards(texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Each card's hash, and its telling words. Parsing is what takes time."""
    return ((card_hash, telling_words(text)) for card_hash, text in texts)


def searchable(words: Iterable[str]) -> str:
    """What a card is found by: the words that it says first."""
    return " ".join(list(words)[:WORDS_KEPT])


def describe_kinds(
    models: Callable[[], Iterable[ModelRow]],
    kinds: Mapping[str, int | None],
    words: Mapping[str, list[str]],
) -> list[KindFacts]:
    """What is known of each kind, by its number. `words` has those of the cards that are to name it.

    `models` gives them all, each time it is called: they are looked through twice, because they may be too many to
    be kept.

    Of an author with n cards in a kind each weighs 1 / sqrt(n): a kind that one author fills is called by what the
    cards say, but is not taken for what everybody says.
    """
    terms, composition = TermCounts(), CompositionCounts()
    tallies: dict[int, _Tally] = defaultdict(_Tally)
    by_author: Counter[tuple[int, str]] = Counter()

    def placed() -> Iterator[tuple[int, ModelRow]]:
        return ((kind, model) for model in models() if (kind := kinds.get(model.card_hash)) is not None)

    for kind, model in placed():
        by_author[kind, model.author or model.card_hash] += 1
    counted: set[str] = set()
    for kind, model in placed():
        weight = by_author[kind, model.author or model.card_hash] ** -0.5
        tallies[kind].count(model)
        composition.count(
            kind,
            tags=model.tags,
            library=model.library_name,
            author=model.author,
            model_format=model.model_format,
            pipeline=model.pipeline_tag,
        )
        if model.card_hash not in counted and model.card_hash in words:
            counted.add(model.card_hash)
            terms.count(kind, words[model.card_hash], weight)
    models_in_all = sum(tally.models for tally in tallies.values())
    downloads_in_all = sum(tally.downloads for tally in tallies.values())
    return [
        _facts(kind, tallies[kind], terms, composition, models_in_all, downloads_in_all)
        for kind in sorted(tallies)
    ]


def _facts(
    kind: int,
    tally: _Tally,
    terms: TermCounts,
    composition: CompositionCounts,
    models_in_all: int,
    downloads_in_all: int,
) -> KindFacts:
    author, of_author = tally.authors.most_common(1)[0] if tally.authors else (None, 0)
    models = tally.models
    return KindFacts(
        kind=kind,
        texts=len(tally.texts),
        models=models,
        authors=len(tally.authors),
        top_author=author,
        top_author_share=of_author / models,
        models_share=models / models_in_all,
        downloads_share=tally.downloads / downloads_in_all if downloads_in_all else 0.0,
        base_share=tally.bases / models,
        base_model_share=tally.with_base / models,
        non_english_share=tally.non_english / models,
        median_parameters=round(median(tally.parameters)) if tally.parameters else None,
        generated={name: n / models for name, n in tally.generated.items()},
        languages={name: n / models for name, n in tally.languages.items()},
        terms=tuple(terms.top_terms(kind, TERMS)),
        composition=composition.composition(kind),
    )
