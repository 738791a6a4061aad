"""What the analysis of one snapshot costs, stage by stage.

    python benchmarks/findings.py [--models 30000 1000000] [--json FILE]

Generates tables of models with authors, ties, zeros and missing values like the Hub's, 300 labelled cards, 50
ingredients of as many cards, and half a year of weeks of as many models as an event study takes. Runs the whole
analysis of a snapshot on them: correlations, regressions, strata, shares, judge error, ingredients and edits, every
interval over authors. Prints the seconds per stage and the peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.ingredients import kitchen
from tasks.findings import questions
from tasks.findings.documented import documented
from tasks.findings.edit_effects import edit_effects
from tasks.findings.ingredients import ingredients
from tasks.findings.judge_error import correct_for_judge
from tasks.findings.outliers import count_outliers, fences
from tasks.findings.sample import Stamp, clean
from tasks.findings.study import HUB
from tasks.findings.threads import on_one_thread

LABELS, WEEKS, FOLLOWED = 300, 26, 100_000  # followed: the models of `sql/out/edit_panel.sql` at most
SECTIONS = [f"section-{number}" for number in range(16)]


def generated(models: int, seed: int = 20) -> pl.DataFrame:
    """The columns of `sql/out/analysis_frame.sql`: authors own one to thousands, three quarters have no like."""
    rng = np.random.default_rng(seed)
    author = (rng.pareto(1.2, size=models) * models / 50).astype(np.int64) % max(1, models // 4)
    fame = rng.normal(size=models // 4 + 1)[author]
    score = np.round(np.clip(2.5 + 0.5 * fame + rng.normal(size=models), 1, 5), 2)
    has_card = rng.uniform(size=models) < 0.6
    sections = [SECTIONS[: int(s * 3)] for s in score]
    counts = np.bincount(author)
    labelled = rng.uniform(size=models) < LABELS / models / 0.6
    return pl.DataFrame(
        {
            "model_id": [f"a{a}/m{i}" for i, a in enumerate(author)],
            "author": [f"a{a}" for a in author],
            "downloads": rng.poisson(
                np.exp(np.clip(2 + 1.5 * fame + 0.2 * score + rng.normal(size=models), -5, 14))
            ),
            "likes": rng.poisson(np.exp(np.clip(-3 + fame + 0.4 * score, -20, 8))),
            "score": np.where(has_card, score, np.nan),
            "card_status": np.where(has_card, "card", "none"),
            "card_hash": [f"h{i}" if has else None for i, has in enumerate(has_card)],
            "library_name": rng.choice(["transformers", "diffusers", "peft", "gguf", "other"], models),
            "pipeline_tag": rng.choice([f"tag-{n}" for n in range(20)], models),
            "model_format": rng.choice(["weights", "gguf", "adapter"], models),
            "age_days": rng.integers(0, 1500, models),
            "parameters": np.where(rng.uniform(size=models) < 0.5, np.exp(rng.normal(20, 2, models)), np.nan),
            "author_models": counts[author],
            "is_generated": rng.uniform(size=models) < 0.2,
            "label": np.where(labelled & has_card, np.clip(np.round(score), 1, 5), np.nan),
            "label_level": np.floor(score + 0.5).astype(np.int64),
            "label_weight": np.ones(models, np.int64),
            "words": np.round(np.exp(3 + score + rng.normal(size=models))),
            "name_length": rng.integers(4, 40, models),
            "sections": [one if has else None for one, has in zip(sections, has_card, strict=True)],
        }
    )


def generated_panel(models: int, seed: int = 20) -> pl.DataFrame:
    """The columns of `sql/out/edit_panel.sql`: a quarter of the models is documented better, an eighth touched up."""
    rng = np.random.default_rng(seed)
    author, week = rng.integers(0, max(1, models // 4), models), np.arange(WEEKS)
    rate = np.exp(1.5 * rng.normal(size=models // 4 + 1)[author] + rng.normal(size=models))[:, None]
    kind, edit = rng.uniform(size=models)[:, None], rng.integers(1, WEEKS, models)[:, None]
    is_edited = (week == edit) & (kind < 0.375)
    lift = np.where((week > edit) & (kind < 0.25), 0.2, 0.0)
    downloads, likes = (rng.poisson(part * rate * np.exp(lift)).cumsum(axis=1) for part in (5.0, 0.05))
    names, weeks = np.repeat(np.arange(models), WEEKS), np.tile(week, models)
    return pl.DataFrame(
        {
            "snapshot": np.datetime64("2026-01-05") + 7 * weeks.astype("timedelta64[D]"),
            "model_id": pl.Series(names).cast(pl.String),
            "author": pl.Series(author[names]).cast(pl.String),
            "age_days": 7 * (weeks + rng.integers(0, 200, models)[names]),
            "downloads": downloads.ravel(),
            "downloads_all_time": downloads.ravel(),
            "likes": likes.ravel(),
            "is_edited": is_edited.ravel(),
            "is_documented": (is_edited & (kind < 0.25)).ravel(),
        }
    )


@on_one_thread
def analyse(models: int) -> dict[str, Any]:
    """Seconds per stage in this process, and the number of findings."""
    seconds_of: defaultdict[str, float] = defaultdict(float)
    stamp = Stamp(date(2026, 1, 5), "generated", "generated")
    findings = 0

    def timed(stage: str, work: Callable[..., Any], *given: Any) -> Any:
        nonlocal findings
        began = time.perf_counter()
        result = work(*given)
        seconds_of[stage] += time.perf_counter() - began
        findings += len(result) if isinstance(result, list) else 0
        return result

    frame = timed("generate (not part of the analysis)", generated, models)
    table = timed("clean", clean, frame, HUB)
    limits = timed("outliers", fences, table, HUB)
    timed("outliers", count_outliers, table, HUB, limits, stamp)
    samples = questions.strata(table, HUB, limits)
    findings -= len(samples)
    for sample in samples:
        timed("rank correlations", questions.rank_correlations, sample, stamp)
        timed("partial correlations", questions.partial_correlations, sample, HUB, stamp)
        timed("regressions", questions.regressions, sample, HUB, stamp)
        if sample.stratum == "all":
            timed("step by step", questions.dose_response, sample, stamp)
    timed("negative controls", questions.negative_controls, table, HUB, stamp)
    timed("left out", questions.left_out, table, HUB, "card_status", stamp)
    timed("no card as the lowest", questions.no_card_lowest, table, HUB, "card_status", stamp)
    timed("having a card", questions.has_card, table, HUB, "card_status", stamp)
    timed("strata", questions.by_dimension, table, HUB, stamp)
    timed("sections and copies", documented, frame, {}, stamp)
    timed("judge error", correct_for_judge, table, HUB, stamp)
    scored, parts = timed("generate (not part of the analysis)", kitchen, models)
    timed("ingredients", ingredients, scored, parts, stamp)
    panel = timed("generate (not part of the analysis)", generated_panel, min(models, FOLLOWED))
    timed("edits", edit_effects, panel, stamp)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    whole = sum(s for stage, s in seconds_of.items() if not stage.startswith("generate"))
    return {
        "models": models,
        "findings": findings,
        "whole_s": whole,
        "memory_gb": memory,
        "stages": dict(seconds_of),
    }


def main() -> None:
    """Measure each size in its own process, because the memory is the peak of the process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=int, nargs="+", default=[30_000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(analyse(options.one)))
        return
    measured = [
        json.loads(subprocess.check_output([sys.executable, __file__, "--one", str(models)], text=True))
        for models in options.models
    ]
    for one in measured:
        print(
            f"\n{one['models']:,} models: {one['whole_s']:.1f} s, {one['memory_gb']:.1f} GB, {one['findings']} findings"
        )
        for stage, seconds in one["stages"].items():
            print(f"  {stage:36} {seconds:8.1f} s")
    if options.json:
        options.json.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
