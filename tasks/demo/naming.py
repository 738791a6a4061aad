"""Model names, and the bases that models start from: the conventions of the Hub, with invented families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from tasks.demo.writing import bank, trade

if TYPE_CHECKING:
    from tasks.demo.people import Author

QUANT_TYPES = ("Q2_K", "Q3_K_M", "Q4_0", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0", "F16")
# Bits per weight of each type, from which the sizes in the table of files follow.
QUANT_BITS = (2.63, 3.91, 4.55, 4.58, 4.85, 5.54, 5.69, 6.59, 8.5, 16.0)
OUTSIDE_BASES = 12
# Conversions start from fine-tunes as often as from the models of labs.
TUNES_CONVERTED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Base:
    """A model that others start from. It may lie outside the corpus."""

    model_id: str
    family: str
    size: str
    billions: float

    @property
    def name(self) -> str:
        """The id without the owner."""
        return self.model_id.rpartition("/")[2]


@dataclass(slots=True)
class Shelf:
    """Bases to start from by kind, and the ids taken so far. It grows while the roster is made.

    `text` holds models of labs, `tunes` what individuals made of them.
    """

    text: list[Base]
    tunes: list[Base]
    encoders: list[Base]
    pictures: list[Base]
    taken: Counter[str] = field(default_factory=Counter)

    def register(self, owner: str, name: str) -> str:
        """Return an id that is not yet taken, capitals ignored; a second model of that name becomes its v2, v3, …"""
        prefix = f"{owner}/" if owner else ""
        model_id = first = f"{prefix}{name}"
        while self.taken[model_id.lower()]:
            self.taken[first.lower()] += 1
            model_id = f"{prefix}{_versioned(name, self.taken[first.lower()])}"
        self.taken[model_id.lower()] = 1
        return model_id


def _versioned(name: str, version: int) -> str:
    for ending in ("-GGUF", "-gguf", "-AWQ"):
        if name.endswith(ending):
            return f"{name.removesuffix(ending)}-v{version}{ending}"
    return f"{name}-v{version}"


def open_shelf(rng: Random, labs: Sequence[Author]) -> Shelf:
    """Make a shelf with bases of the labs from outside the corpus, so that the first models have a base too."""
    names = bank("names")
    families = rng.sample(names["families"], OUTSIDE_BASES)
    text, encoders, pictures = [], [], []
    for family in families:
        lab = rng.choice(labs).name
        size, billions = rng.choice(names["sizes"][3:13])
        text.append(Base(f"{lab}/{family}-{size}{rng.choice(('', '-Base'))}", family, size, billions))
        width, parameters = rng.choice((("base", 0.11), ("large", 0.34), ("small", 0.03)))
        case = rng.choice(("-uncased", "-cased", "-v3", ""))
        encoders.append(Base(f"{lab}/{family.lower()}-{width}{case}", family, width, parameters))
        pictures.append(Base(f"{lab}/{family.lower()}-diffusion-xl", family, "XL", 2.6))
    return Shelf(text, [], encoders, pictures)


def choose_base(archetype: str, trade_key: str, shelf: Shelf, rng: Random) -> Base | None:
    """Choose what a model of this kind starts from; popular bases are chosen more often."""
    if archetype in ("foundation", "reinforcement"):
        return None
    if trade_key in ("diffusion", "image-adapter"):
        return rng.choice(shelf.pictures)
    if trade_key in ("text", "text-other-language", "vision-language"):
        is_conversion = archetype in ("gguf", "quantised")
        is_of_a_tune = shelf.tunes and is_conversion and rng.random() < TUNES_CONVERTED_SHARE
        pool = shelf.tunes if is_of_a_tune else shelf.text
        # The square draws more often from the front of the shelf, where the first and largest labs stand.
        return pool[int(rng.random() ** 2 * len(pool))]
    return rng.choice(shelf.encoders)


def name_model(
    archetype: str,
    trade_key: str,
    scheme: str,
    family: str,
    size: str,
    base: Base | None,
    language: str,
    rng: Random,
) -> str:
    """Name a model as people do; the archetype decides the convention."""
    names = bank("names")
    stem = base.name if base else family
    match archetype:
        case "foundation":
            return f"{family}{rng.choice(names['generations'])}-{size}{rng.choice(names['variants'])}"
        case "gguf" if rng.random() < 0.25:
            return f"{stem}-{rng.choice(QUANT_TYPES[2:9])}-GGUF"
        case "gguf":
            return f"{stem}{rng.choice(('-GGUF', '-GGUF', '-GGUF', '-i1-GGUF', '-gguf'))}"
        case "quantised":
            return f"{stem}-{scheme}"
        case "adapter":
            domain = rng.choice(names["domains"])["slug"]
            return rng.choice(
                (
                    f"{stem.lower()}-lora-{domain}",
                    f"{stem}-{domain}-LoRA",
                    f"qlora-{stem.lower()}-{domain}",
                    f"{domain}-adapter-{stem.lower()}",
                )
            )
        case "multilingual":
            return rng.choice(
                (
                    f"{family.lower()}-{size.lower()}-{language}",
                    f"{family}-{size}-{language.upper()}",
                    f"{language}-{family}-{size}-chat",
                )
            )
        case "trainer":
            return f"{stem}-finetuned-{rng.choice(trade(trade_key)['datasets'])}"
        case "reinforcement":
            return f"{rng.choice(names['algorithms'])}-{rng.choice(names['environments'])}"
        case "missing" | "empty" | "template" if rng.random() < 0.6:
            return str(rng.choice(names["vague"]))
        case "missing" | "empty" | "template":
            return f"{stem}-{rng.choice(names['methods'])}"
    return _tune_name(family, size, rng) if trade_key == "text" else _trade_name(trade_key, family, size, rng)


def _trade_name(trade_key: str, family: str, size: str, rng: Random) -> str:
    known = trade(trade_key)["names"]
    if trade_key in ("diffusion", "image-adapter"):
        return f"{rng.choice(bank('names')['styles'])}-{rng.choice(known)}"
    if trade_key == "images":
        return f"{family.lower()}_{rng.choice(known)}.{rng.choice(('in1k', 'in22k_ft_in1k', 'food'))}"
    if trade_key == "vision-language":
        return f"{family}-{rng.choice(known)}-{size}"
    return f"{family.lower()}-{rng.choice(known)}"


def _tune_name(family: str, size: str, rng: Random) -> str:
    names = bank("names")
    domain, method = rng.choice(names["domains"])["slug"], rng.choice(names["methods"])
    flavour = rng.choice(names["flavours"])
    forms = (
        f"{flavour}-{family}-{size}",
        f"{flavour}-{size}-{method}",
        f"{family}-{size}-{domain}-{method}",
        f"{family.lower()}-{size.lower()}-{domain}",
        f"{flavour}-{family}-{size}-{method}",
    )
    return rng.choice(forms)
