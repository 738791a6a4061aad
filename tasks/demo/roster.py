"""Who made what: every model's archetype, author, name, base and documentation level, before any word is written."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from tasks.demo import naming
from tasks.demo.archetypes import ARCHETYPES, BY_NAME, DemoArchetype, counts
from tasks.demo.hostile import FORMS, HUGE_FORMS
from tasks.demo.naming import Base
from tasks.demo.people import KINDS, Author, Society, found_society
from tasks.demo.writing import bank, draw

WeightFormat = Literal["weights", "gguf", "quantised", "adapter"]
Relation = Literal["finetune", "quantized", "adapter", "merge"]

# One model in so many keeps an id without a namespace, like the oldest on the Hub.
WITHOUT_NAMESPACE = 400
HUGE_FORMS_AT_MOST = 3
ENGLISH_SHARE = 0.9
WITHOUT_LANGUAGE = frozenset({"diffusion", "image-adapter", "images"})


@dataclass(frozen=True, slots=True)
class DemoModel:
    """One made-up model; nothing here changes from week to week but what an edit adds to `documentation`."""

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


def trade(key: str) -> dict[str, Any]:
    """A table of `trades.toml`."""
    found: dict[str, Any] = next(entry for entry in bank("trades")["trade"] if entry["key"] == key)
    return found


def make_roster(models: int, seed: int) -> tuple[list[DemoModel], Society]:
    """All models, in an order that mixes the archetypes; the same arguments give the same roster."""
    rng = Random(f"{seed}/roster")
    society = found_society(models, Random(f"{seed}/society"))
    places = list(range(models))
    rng.shuffle(places)
    shelf = naming.open_shelf(rng, society.by_kind["lab"])
    roster: list[DemoModel] = []
    for archetype, hostile_form in _jobs(models, rng):
        roster.append(_make(places[len(roster)], archetype, hostile_form, society, shelf, rng))
    return sorted(roster, key=lambda model: model.index), society


def _jobs(models: int, rng: Random) -> list[tuple[DemoArchetype, str | None]]:
    wanted = counts(models, len(FORMS))
    jobs: list[tuple[DemoArchetype, str | None]] = []
    for archetype in ARCHETYPES:
        number = wanted[archetype.name]
        forms = _hostile_forms(number, rng) if archetype.name == "hostile" else [None] * number
        jobs += [(archetype, form) for form in forms]
    return jobs


def _hostile_forms(number: int, rng: Random) -> list[str | None]:
    """Each form in turn; the huge ones stop after a few, or a big corpus would be made of them."""
    forms = list(FORMS)
    rng.shuffle(forms)
    cheap = [form for form in forms if form not in HUGE_FORMS]
    rounds = number // len(forms) + 1
    queue = [form for turn in range(rounds) for form in (forms if turn < HUGE_FORMS_AT_MOST else cheap)]
    while len(queue) < number:
        queue += cheap
    return list(queue[:number])


def _make(
    index: int, archetype: DemoArchetype, form: str | None, society: Society, shelf: naming.Shelf, rng: Random
) -> DemoModel:
    author = society.draw(rng, draw(rng, dict(zip(KINDS, archetype.kinds, strict=True))))
    trade_key = rng.choice(archetype.trades)
    packaging = _packaging(archetype.name, trade_key, rng)
    base = naming.choose_base(archetype.name, trade_key, shelf, rng)
    size, billions = (base.size, base.billions) if base else _size(rng)
    family = base.family if base else rng.choice(bank("names")["families"])
    language = _language(archetype.name, trade_key, rng)
    name = naming.name_model(archetype.name, trade_key, packaging.scheme, family, size, base, language, rng)
    model = DemoModel(
        index=index,
        archetype=archetype.name,
        author=author,
        model_id=shelf.register(_owner(author, archetype.name, rng), name),
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
        documentation=_documentation(archetype, rng),
        hostile_form=form,
    )
    if archetype.name in ("foundation", "fine_tune"):
        pool = shelf.text if archetype.name == "foundation" else shelf.tunes
        pool.append(Base(model.model_id, family, size, billions))
    return model


def _owner(author: Author, archetype: str, rng: Random) -> str:
    has_none = archetype in ("fine_tune", "classifier") and rng.random() < 4 / WITHOUT_NAMESPACE
    return "" if has_none else author.name


def _size(rng: Random) -> tuple[str, float]:
    size, billions = rng.choice(bank("names")["sizes"])
    return size, billions


def _language(archetype: str, trade_key: str, rng: Random) -> str:
    codes = list(bank("languages"))
    if archetype == "multilingual":
        return rng.choice(codes)
    if trade_key in WITHOUT_LANGUAGE:
        return "en"
    return "en" if rng.random() < ENGLISH_SHARE else rng.choice(codes)


def _documentation(archetype: DemoArchetype, rng: Random) -> float:
    """A normal level, redrawn while it falls outside of the archetype's range."""
    for _ in range(50):
        level = rng.gauss(archetype.mean, archetype.sd)
        if archetype.low <= level <= archetype.high:
            return round(level, 3)
    return archetype.mean


@dataclass(frozen=True, slots=True)
class Packaging:
    """How the weights come, which decides who downloads them."""

    format: WeightFormat
    library: str | None
    pipeline: str | None
    relation: Relation
    scheme: str = ""


def _packaging(archetype: str, trade_key: str, rng: Random) -> Packaging:
    pipeline = trade(trade_key)["pipeline"]
    if archetype == "gguf":
        return Packaging("gguf", rng.choice(("gguf", None, "transformers")), pipeline, "quantized", "GGUF")
    if archetype == "quantised":
        scheme = rng.choice(("AWQ", "GPTQ-Int4", "FP8", "MLX-4bit", "bnb-4bit"))
        return Packaging(
            "quantised", "mlx" if scheme == "MLX-4bit" else "transformers", pipeline, "quantized", scheme
        )
    if archetype == "adapter":
        return Packaging("adapter", "peft", pipeline, "adapter")
    if trade_key == "image-adapter":
        return Packaging("adapter", "diffusers", pipeline, "adapter")
    if archetype == "reinforcement":
        return Packaging("weights", "stable-baselines3", "reinforcement-learning", "finetune")
    if archetype in ("missing", "empty", "template"):
        is_known = rng.random() < 0.6
        return Packaging(
            "weights", "transformers" if is_known else None, pipeline if is_known else None, "finetune"
        )
    relation: Relation = "merge" if archetype == "fine_tune" and rng.random() < 0.12 else "finetune"
    return Packaging("weights", trade(trade_key)["library"], pipeline, relation)


def is_editable(model: DemoModel) -> bool:
    """Whether a person writes this card, so that it may be improved."""
    return BY_NAME[model.archetype].is_editable
