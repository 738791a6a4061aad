"""Facts of each kind, counted from its cards and its models, one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tasks.atlas.naming import KindFacts
from tasks.atlas.terms import CompositionCounts, TermCounts, languages_of

TERMS = 12


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A row of `sql/out/kind_models.sql`; `template` is that of a card that a tool wrote, or that nobody filled in."""

    card_hash: str
    author: str | None
    tags: list[str]
    library_name: str | None
    pipeline_tag: str | None
    model_format: str
    downloads: int
    template: str | None
    is_base: bool
    has_base: bool


@dataclass(slots=True)
class _Tally:
    """Counts of the models of a kind."""

    texts: set[str] = field(default_factory=set)
    models: int = 0
    downloads: int = 0
    bases: int = 0
    with_base: int = 0
    non_english: int = 0
    authors: Counter[str] = field(default_factory=Counter)
    generated: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)

    def count(self, model: ModelRow) -> None:
        languages = languages_of(model.tags)
        self.texts.add(model.card_hash)
        self.models += 1
        self.downloads += model.downloads
        self.bases += model.is_base
        self.with_base += model.has_base
        self.non_english += bool(languages) and "en" not in languages
        self.languages.update(languages)
        self.authors.update([model.author] if model.author else [])
        self.generated.update([model.template] if model.template else [])


def describe_kinds(
    models: Callable[[], Iterable[ModelRow]],
    kinds: Mapping[str, int | None],
    words: Mapping[str, list[str]],
) -> list[KindFacts]:
    """Facts of each kind, by its number. `words` has the words of the cards from which terms are taken.

    `models` is called twice and gives all models each time, because they may be too many for memory.

    Each of the n cards of an author in a kind weighs 1 / sqrt(n): a kind that one author fills is named by what the
    cards say, but one author's words do not count as everybody's.
    """
    terms, composition = TermCounts(), CompositionCounts()
    tallies: dict[int, _Tally] = defaultdict(_Tally)

    def placed() -> Iterator[tuple[int, ModelRow]]:
        return ((kind, model) for model in models() if (kind := kinds.get(model.card_hash)) is not None)

    by_author = Counter((kind, model.author or model.card_hash) for kind, model in placed())
    counted: set[str] = set()
    for kind, model in placed():
        tallies[kind].count(model)
        composition.count(
            kind,
            model.tags,
            libraries=model.library_name,
            authors=model.author,
            formats=model.model_format,
            pipelines=model.pipeline_tag,
        )
        if model.card_hash not in counted and model.card_hash in words:
            counted.add(model.card_hash)
            weight = by_author[kind, model.author or model.card_hash] ** -0.5
            terms.count(kind, words[model.card_hash], weight)
    all_models = sum(tally.models for tally in tallies.values())
    all_downloads = sum(tally.downloads for tally in tallies.values())

    def facts(kind: int, tally: _Tally) -> KindFacts:
        author, of_author = tally.authors.most_common(1)[0] if tally.authors else (None, 0)
        models = tally.models
        return KindFacts(
            kind=kind,
            texts=len(tally.texts),
            models=models,
            authors=len(tally.authors),
            top_author=author,
            top_author_share=of_author / models,
            models_share=models / all_models,
            downloads_share=tally.downloads / all_downloads if all_downloads else 0.0,
            base_share=tally.bases / models,
            base_model_share=tally.with_base / models,
            non_english_share=tally.non_english / models,
            generated={name: n / models for name, n in tally.generated.items()},
            languages={name: n / models for name, n in tally.languages.items()},
            terms=tuple(terms.top_terms(kind, TERMS)),
            composition=composition.composition(kind),
        )

    return [facts(kind, tally) for kind, tally in sorted(tallies.items())]
