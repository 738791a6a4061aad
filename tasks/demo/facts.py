"""The facts of one model: what its card can say, drawn once so that every edit of the card agrees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tasks.demo.naming import QUANT_BITS, QUANT_TYPES
from tasks.demo.roster import DemoModel
from tasks.demo.writing import bank, rng_for, some, trade

CRITERIA = (
    "purpose", "start", "training", "evaluation", "limits", "metadata", "structure", "originality",
)  # fmt: skip
# How far a criterion of a card strays from the card's documentation level.
CRITERION_SD = 0.45
# Points that a language model gains on a benchmark with each doubling, around a model of 7 billion parameters.
SIZE_GAIN = 3.5
TYPICAL_BILLIONS = 7.0
SCORE_MIN = 3.0
LOWER_IS_BETTER = frozenset({"WER", "CER", "FID", "WER of a recogniser"})
LIBRARY_TITLES = {
    "transformers": "Transformers", "diffusers": "Diffusers", "peft": "PEFT", "timm": "timm", "gguf": "llama.cpp",
    "sentence-transformers": "Sentence Transformers", "mlx": "MLX", "stable-baselines3": "Stable-Baselines3",
}  # fmt: skip
RUNTIMES = {"gguf": "llama.cpp", "quantised": "vLLM"}
LICENCE_TITLES = {
    "apache-2.0": "Apache 2.0", "mit": "the MIT licence", "cc-by-4.0": "CC BY 4.0", "gpl-3.0": "GPL 3.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0 (no commercial use)", "cc-by-sa-4.0": "CC BY-SA 4.0", "openrail": "OpenRAIL",
    "other": "a licence of its own, see LICENSE.md", "bigscience-openrail-m": "OpenRAIL-M",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """One line of an evaluation: percent, or the metric's own unit."""

    benchmark: str
    metric: str
    value: float
    baseline: float


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that a card is written from. `levels` holds 1-5 for each of `CRITERIA`."""

    model: DemoModel
    seed: int
    documentation: float
    facts: Mapping[str, str]
    results: tuple[Result, ...]
    datasets: tuple[str, ...]
    limits: tuple[str, ...]
    levels: Mapping[str, int]

    def rng(self, purpose: str) -> Random:
        """Give the same generator for every version of this model's card."""
        return rng_for(self.seed, self.model.index, purpose)

    @property
    def trade(self) -> dict[str, Any]:
        return trade(self.model.trade)


def draft_of(model: DemoModel, documentation: float, seed: int) -> Draft:
    """Draft the card at this level. At another level the facts stay and only the levels of the criteria move."""
    rng = rng_for(seed, model.index, "facts")
    work = trade(model.trade)
    datasets = _datasets(model, work["datasets"], rng)
    results = _results(work, model.billions, rng)
    domain = _domain(model, rng)
    known = [domain["limit"], *work["limits"]] if model.trade == "text" else work["limits"]
    limits = tuple(rng.sample(known, 4))
    facts = (
        _names(model, domain, rng)
        | _particulars(model, rng)
        | {
            "bench": results[0].benchmark,
            "metric": results[0].metric,
            "value": f"{results[0].value}",
            "baseline": f"{results[0].baseline}",
            "dataset": datasets[0],
            "dataset_b": datasets[1],
            "limit_a": limits[0],
            "does": work["does"],
            "input": work["input"],
        }
    )
    levels = {name: min(5, max(1, round(documentation + rng.gauss(0, CRITERION_SD)))) for name in CRITERIA}
    return Draft(model, seed, documentation, facts, results, datasets, limits, levels)


def _domain(model: DemoModel, rng: Random) -> dict[str, str]:
    """Choose the domain that the name contains, else any."""
    domains: list[dict[str, str]] = bank("names")["domains"]
    chosen = rng.choice(domains)
    if model.archetype == "foundation":
        return domains[-1]
    return next((domain for domain in domains if domain["slug"] in model.model_id), chosen)


def _datasets(model: DemoModel, known: Sequence[str], rng: Random) -> tuple[str, ...]:
    """Choose two datasets; the one that the name contains comes first."""
    named = [dataset for dataset in known if model.name.endswith(f"-{dataset}")]
    others = [dataset for dataset in some(rng, known, 2) if dataset not in named]
    return tuple([*named, *others][:2])


def _results(work: Mapping[str, Any], billions: float, rng: Random) -> tuple[Result, ...]:
    """Draw results on some of the trade's benchmarks. Language models gain with the logarithm of their size."""
    rows = some(rng, work["benchmarks"], rng.randint(2, 5))
    gain = SIZE_GAIN * math.log2(billions / TYPICAL_BILLIONS) if work["snippet"] == "text" else 0.0
    results = []
    for name, metric, typical, sd in rows:
        spread = sd * 0.6
        value = max(0.1, max(SCORE_MIN, typical + gain) + rng.gauss(0, spread))
        better = abs(rng.gauss(0.25, 0.2)) * spread * rng.choice((1, 1, 1, 1, -1))
        baseline = value + better if metric in LOWER_IS_BETTER else value - better
        results.append(Result(name, metric, round(value, 1), round(max(0.1, baseline), 1)))
    return tuple(results)


def _names(model: DemoModel, domain: Mapping[str, str], rng: Random) -> dict[str, str]:
    base, words = model.base, bank("names")
    styles = words["styles"]
    style = next((style for style in styles if style in model.model_id), rng.choice(styles)).replace("-", " ")
    licence = rng.choice(words["licences"])
    return {
        "model_id": model.model_id,
        "name": model.name,
        "title": model.name.replace("_", " ") if rng.random() < 0.5 else model.name,
        "slug": model.name.lower().replace(".", "-").replace("_", "-"),
        "author": model.author.name,
        "base": base.model_id if base else model.model_id,
        "base_title": base.name if base else model.family,
        "base_link": f"[{base.model_id}](https://huggingface.co/{base.model_id})" if base else model.family,
        "family": model.family,
        "size": model.size,
        "scheme": model.scheme,
        "language": "English" if model.language == "en" else bank("languages")[model.language]["title"],
        "runtime": RUNTIMES.get(model.format) or LIBRARY_TITLES.get(model.library or "", "Transformers"),
        "domain": trade(model.trade).get("field", domain["words"]),
        "users": trade(model.trade).get("users", domain["users"]),
        "style": style,
        "trigger": f"{style.split()[0]}_style",
        "licence": licence,
        "licence_title": LICENCE_TITLES[licence],
    }


def _particulars(model: DemoModel, rng: Random) -> dict[str, str]:
    hours, billions = rng.randint(2, 96), model.billions
    words, prompts = bank("names"), bank("phrases")["prompts"]
    return {
        "params": f"{billions:.1f} billion" if billions >= 1 else f"{billions * 1000:.0f} million",
        "memory": f"{billions * 2.1:.1f}",
        "quant_memory": f"{billions * 0.62:.1f}",
        "adapter_mb": str(round(billions * 11 + rng.randint(2, 60))),
        "rank": rng.choice(("8", "16", "32", "64")),
        "context": rng.choice(("2048", "4096", "8192", "32768", "131072")),
        "dimensions": rng.choice(("384", "512", "768", "1024")),
        "samples": f"{rng.randint(2, 900) * 1000 + rng.randint(0, 999):,}",
        "samples_b": f"{rng.randint(128, 6000):,}",
        "overlap": f"{rng.randint(12, 2900):,}",
        "epochs": rng.choice(("1", "2", "3", "3", "4", "5", "10")),
        "lr": rng.choice(("1e-5", "2e-5", "5e-5", "1e-4", "2e-4", "3e-4")),
        "batch": rng.choice(("8", "16", "32", "64", "128", "256")),
        "warmup": rng.choice(("0.03", "0.05", "0.1")),
        "seed_value": rng.choice(("42", "42", "13", "7", "1234", "2024", "3407")),
        "tokens": rng.choice(("300 billion", "1.2 trillion", "2.4 trillion", "6 trillion", "11 trillion")),
        "cutoff": rng.choice(("March 2024", "June 2025", "December 2025", "April 2026")),
        "hours": str(hours),
        "hours_big": f"{hours * 211:,}",
        "energy": f"{hours * 3}",
        "energy_big": f"{hours * 7}",
        "carbon": f"{hours}",
        "gap": f"{abs(rng.gauss(2.5, 1.2)):.1f}",
        "build": str(rng.randint(4100, 6900)),
        "revision": f"{rng.getrandbits(28):07x}",
        "framework": rng.choice(("4.46.3", "4.51.3", "4.57.1", "5.2.0")),
        "year": str(rng.choice((2024, 2025, 2026))),
        "month": f"{rng.randint(1, 10):02d}",
        "gpu": rng.choice(words["big_gpus" if model.archetype == "foundation" else "gpus"]),
        "prompt": rng.choice(prompts["text"]),
        "file": f"model-{rng.choice(QUANT_TYPES[2:9])}.gguf",
    }


def quant_files(draft: Draft) -> list[tuple[str, str, float]]:
    """List file name, type and gigabytes of the conversions in a GGUF repository."""
    stem = draft.facts["base_title"]
    if single := next((kind for kind in QUANT_TYPES if kind in draft.model.name), None):
        kinds = [single]
    else:
        kinds = some(draft.rng("quants"), QUANT_TYPES, draft.rng("quants").randint(4, 9))
    bits = dict(zip(QUANT_TYPES, QUANT_BITS, strict=True))
    return [(f"{stem}.{kind}.gguf", kind, draft.model.billions * bits[kind] / 8) for kind in kinds]
