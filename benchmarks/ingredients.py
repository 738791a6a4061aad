"""What the ingredients cost, and how often chance passes for one.

    python benchmarks/ingredients.py [--models 30000] [--draws 400]

Generates scored models of authors with one to hundreds of models and 50 ingredients, prints the seconds of all their
findings and the peak memory; then draws small Hubs where authors have habits and fame, and one ingredient matters, and
prints the share of the others whose p is below 0.05: of those that resemble none, given the controls, and of all the
others, one of which resembles the one that matters, jointly.
"""

from __future__ import annotations

import argparse
import resource
import time
from datetime import date

import numpy as np
import polars as pl

from tasks.arrays import Floats
from tasks.findings.ingredients import AROUND, ingredients
from tasks.findings.many_ranks import many_partial_spearmans
from tasks.findings.sample import Codes, Stamp
from tasks.findings.threads import on_one_thread

CHECKS, CRITERIA = 37, 8
AUTHORS, OF_A_HUB = 150, 12  # of a small Hub: its authors, and its ingredients


def kitchen(models: int, seed: int = 20) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The columns that the ingredients need of `sql/out/analysis_frame.sql`, and those of `sql/out/ingredients.sql`."""
    rng = np.random.default_rng(seed)
    author = (rng.pareto(1.2, size=models) * models / 50).astype(np.int64) % max(1, models // 4)
    fame = rng.normal(size=models // 4 + 1)[author]
    passes = rng.normal(size=(models, CHECKS)) + 0.5 * fame[:, None] > rng.normal(size=CHECKS)
    names = np.array([f"check_{number}" for number in range(CHECKS)])
    ids = [f"a{a}/m{i}" for i, a in enumerate(author)]
    libraries = ["transformers", "diffusers", "peft", "timm", *(f"library-{n}" for n in range(26))]
    shares = np.array([0.5, *(0.5 / (n + 1) for n in range(29))])
    frame = pl.DataFrame(
        {
            "model_id": ids,
            "author": [f"a{a}" for a in author],
            "downloads": rng.poisson(np.exp(np.clip(2 + 1.5 * fame + passes[:, 0], -5, 14))),
            "likes": rng.poisson(np.exp(np.clip(-3 + fame + passes[:, 0], -20, 8))),
            "score": 1 + 4 * passes.mean(axis=1),
            "library_name": rng.choice(libraries, models, p=shares / shares.sum()),
            "model_format": rng.choice(["weights", "gguf", "adapter"], models, p=[0.6, 0.3, 0.1]),
            "pipeline_tag": rng.choice([f"task-{n}" for n in range(20)], models),
            "age_days": rng.integers(0, 1500, models),
            "parameters": np.where(
                rng.uniform(size=models) < 0.5, rng.integers(10**6, 10**10, models), np.nan
            ),
            "author_models": np.bincount(author)[author],
        }
    ).with_columns(
        *(
            pl.lit(None).alias(name)
            for name in ("label", "label_level", "label_weight", "card_hash", "words")
        ),
        pl.col("model_id").str.len_chars().alias("name_length"),
        pl.lit("card").alias("card_status"),
        pl.lit(value=False).alias("is_generated"),
    )
    parts = pl.DataFrame(
        {
            "model_id": ids,
            "passed": [names[row].tolist() for row in passes],
            "criteria": [[f"criterion_{number}" for number in range(CRITERIA)]] * models,
            "levels": [[float(row[n::CRITERIA].sum()) for n in range(CRITERIA)] for row in passes],
            **{column: rng.poisson(1.0, models) for column in AROUND.values()},
        }
    )
    return frame, parts


def small_hub(rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Codes]:
    """Ingredients, downloads, age and authors: the first ingredient matters, and the second resembles it."""
    authors = np.repeat(np.arange(AUTHORS), np.minimum(1 + rng.pareto(1.1, AUTHORS) * 3, 250).astype(int))
    n, fame = len(authors), rng.normal(size=AUTHORS)[authors]
    age = rng.normal(size=n) + 0.5 * fame
    inclined = 0.7 * rng.normal(size=(AUTHORS, OF_A_HUB))[authors] + rng.normal(size=(n, OF_A_HUB))
    inclined += 0.4 * age[:, None]
    inclined[:, 1] += 1.2 * inclined[:, 0]
    has = (inclined > 0.5).astype(np.float64)
    has[:, -1] = np.floor(np.exp(inclined[:, -1]))  # one is a count
    downloads = np.floor(np.exp(fame + 0.5 * age + 0.8 * has[:, 0] + rng.normal(size=n)))
    return has, downloads, age[:, None], authors


@on_one_thread
def false_positives(draws: int, seed: int = 5) -> tuple[float, float]:
    """The share of ingredients that do not matter with p below 0.05: given the controls, and jointly."""
    rng = np.random.default_rng(seed)
    found: tuple[list[bool], list[bool]] = ([], [])
    for _ in range(draws):
        has, downloads, age, authors = small_hub(rng)
        nothing = np.empty((len(authors), 0))
        both = many_partial_spearmans(has, downloads, age, nothing, authors, np.ones(OF_A_HUB, np.bool_))
        for estimates, first, rejected in zip(both, (2, 1), found, strict=True):
            rejected += [one.p < 0.05 for one in estimates[first:] if one.p is not None]
    return float(np.mean(found[0])), float(np.mean(found[1]))


def main() -> None:
    """Print what the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=int, default=30_000)
    parser.add_argument("--draws", type=int, default=400)
    asked = parser.parse_args()
    frame, parts = kitchen(asked.models)
    start = time.process_time()
    rows = ingredients(frame, parts, Stamp(date(2026, 1, 5), "checklist", "f1"))
    seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{asked.models:,} models, {len(rows):,} findings: {seconds:.1f} s of one core, {memory:.1f} GB at most"
    )
    controlled, jointly = false_positives(asked.draws)
    print(
        f"p < 0.05 where nothing is, of {asked.draws} Hubs: {controlled:.1%} controlled, {jointly:.1%} jointly"
    )


if __name__ == "__main__":
    main()
