"""Every model's archetype, author, name, base and documentation level, decided before any text is written."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from tasks.demo import naming
from tasks.demo.archetypes import ARCHETYPES, BY_NAME, DemoArchetype, counts
from tasks.demo.hostile import FORMS, HUGE_FORMS
from tasks.demo.naming import Base
from tasks.demo.people import KINDS, Author, Society, found_society
from tasks.demo.writing import bank, draw, trade

WeightFormat = Literal["weights", "gguf", "quantised", "adapter"]
Relation = Literal["finetune", "quantized", "adapter", "merge"]

# Share of fine-tunes and classifiers whose id has no namespace, like the oldest ids on the Hub.
WITHOUT_NAMESPACE_SHARE = 4 / 400
HUGE_FORMS_AT_MOST = 3
ENGLISH_SHARE = 0.9
WITHOUT_LANGUAGE = frozenset({"diffusion", "image-adapter", "images"})


@dataclass(frozen=True, slots=True)
class DemoModel:
    """One made-up model. Nothing here changes from week to week; an edit raises `documentation` elsewhere."""

    index: int
    archetype: str
    author: Author
    model_id: str
    trade: str
    base: Base | None
    relation: Relation | None
    format: WeightFormat
    library: str | None
    pipeline: str | None
    scheme: str
    size: str
    billions: float
    family: str
    language: str
    documentation: float
    hostile_form: str | None

    @property
    def name(self) -> str:
        """The id without the owner."""
        return self.model_id.rpartition("/")[2]

    @property
    def is_editable(self) -> bool:
        """Whether a person writes this card, so that it may be improved."""
        return BY_NAME[self.archetype].is_editable


def make_roster(models: int, seed: int, dominant: float = 0.0) -> tuple[list[DemoModel], Society]:
    """Make all models, in an order that mixes the archetypes; the same arguments give the same roster.

    A share of `dominant` of them belongs to one author, who documents better than others: one that decides every
    estimate in which each model weighs one.
    """
    rng = Random(f"{seed}/roster")
    society = found_society(models, Random(f"{seed}/society"))
    places = list(range(models))
    rng.shuffle(places)
    shelf = naming.open_shelf(rng, society.by_kind["lab"])
    number = counts(models, len(FORMS))
    forms = _hostile_forms(number["hostile"], rng)
    jobs = [
        (archetype, forms[place] if archetype.name == "hostile" else None)
        for archetype in ARCHETYPES
        for place in range(number[archetype.name])
    ]
    taken = Random(f"{seed}/dominant")
    owners = [dominant_author(society) if taken.random() < dominant else None for _ in places]
    roster = [
        _make(place, *job, society, shelf, rng, owner)
        for place, job, owner in zip(places, jobs, owners, strict=True)
    ]
    return sorted(roster, key=lambda model: model.index), society


_DOMINANT_MORE = 1.5  # levels of documentation


def dominant_author(society: Society) -> Author:
    """The author who has most models where one dominates."""
    return society.by_kind["converter"][0]


def _hostile_forms(number: int, rng: Random) -> list[str]:
    """List the form of each hostile model, in turn; the huge forms stop after a few to keep a big corpus small."""
    forms = list(FORMS)
    rng.shuffle(forms)
    cheap = [form for form in forms if form not in HUGE_FORMS]
    rounds = number // len(forms) + 1
    queue = [form for turn in range(rounds) for form in (forms if turn < HUGE_FORMS_AT_MOST else cheap)]
    while len(queue) < number:
        queue += cheap
    return queue[:number]


def _make(
    index: int,
    archetype: DemoArchetype,
    form: str | None,
    society: Society,
    shelf: naming.Shelf,
    rng: Random,
    owner: Author | None = None,
) -> DemoModel:
    author = society.draw(rng, draw(rng, dict(zip(KINDS, archetype.kinds, strict=True))))
    author = owner or author
    trade_key = rng.choice(archetype.trades)
    packaging = _packaging(archetype.name, trade_key, rng)
    base = naming.choose_base(archetype.name, trade_key, shelf, rng)
    size, billions = (base.size, base.billions) if base else rng.choice(bank("names")["sizes"])
    family = base.family if base else rng.choice(bank("names")["families"])
    language = _language(archetype.name, trade_key, rng)
    name = naming.name_model(archetype.name, trade_key, packaging.scheme, family, size, base, language, rng)
    has_owner = archetype.name not in ("fine_tune", "classifier") or rng.random() >= WITHOUT_NAMESPACE_SHARE
    model = DemoModel(
        index=index,
        archetype=archetype.name,
        author=author,
        model_id=shelf.register(author.name if has_owner else "", name),
        trade=trade_key,
        base=base,
        relation=packaging.relation if base else None,
        format=packaging.format,
        library=packaging.library,
        pipeline=packaging.pipeline,
        scheme=packaging.scheme,
        size=size,
        billions=billions,
        family=family,
        language=language,
        documentation=min(
            archetype.high, _documentation(archetype, rng) + _DOMINANT_MORE * (owner is not None)
        ),
        hostile_form=form,
    )
    if archetype.name in ("foundation", "fine_tune"):
        pool = shelf.text if archetype.name == "foundation" else shelf.tunes
        pool.append(Base(model.model_id, family, size, billions))
    return model


def _language(archetype: str, trade_key: str, rng: Random) -> str:
    codes = list(bank("languages"))
    if archetype == "multilingual":
        return rng.choice(codes)
    return "en" if trade_key in WITHOUT_LANGUAGE or rng.random() < ENGLISH_SHARE else rng.choice(codes)


def _documentation(archetype: DemoArchetype, rng: Random) -> float:
    """Draw a normal level, again while it falls outside the archetype's range."""
    for _ in range(50):
        level = rng.gauss(archetype.mean, archetype.sd)
        if archetype.low <= level <= archetype.high:
            return round(level, 3)
    return archetype.mean


@dataclass(frozen=True, slots=True)
class Packaging:
    """How the weights are distributed, which decides how much they are downloaded."""

    format: WeightFormat
    library: str | None
    pipeline: str | None
    relation: Relation
    scheme: str = ""


def _packaging(archetype: str, trade_key: str, rng: Random) -> Packaging:
    library, pipeline = trade(trade_key)["library"], trade(trade_key)["pipeline"]
    if archetype == "gguf":
        return Packaging("gguf", rng.choice(("gguf", None, "transformers")), pipeline, "quantized", "GGUF")
    if archetype == "quantised":
        scheme = rng.choice(("AWQ", "GPTQ-Int4", "FP8", "MLX-4bit", "bnb-4bit"))
        library = "mlx" if scheme == "MLX-4bit" else "transformers"
        return Packaging("quantised", library, pipeline, "quantized", scheme)
    if archetype == "adapter":
        return Packaging("adapter", "peft", pipeline, "adapter")
    if trade_key == "image-adapter":
        return Packaging("adapter", "diffusers", pipeline, "adapter")
    if archetype == "reinforcement":
        return Packaging("weights", "stable-baselines3", "reinforcement-learning", "finetune")
    if archetype in ("missing", "empty", "template"):
        is_known = rng.random() < 0.6
        library, pipeline = ("transformers", pipeline) if is_known else (None, None)
        return Packaging("weights", library, pipeline, "finetune")
    relation: Relation = "merge" if archetype == "fine_tune" and rng.random() < 0.12 else "finetune"
    return Packaging("weights", library, pipeline, relation)
