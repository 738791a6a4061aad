"""How many card texts per second the checklist describes and judges, on one core and on all.

    python benchmarks/checklist.py CORPUS.parquet [--texts 6000] [--processes 2] [--rounds 3]

Takes distinct texts of a corpus at random. Each is parsed once, described and judged, as a part of a snapshot is, in
one process and in several. Beside it, in the same run, what the Markdown parser alone takes for the same texts, once:
the floor under any reading of cards. Prints the median of the rounds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

import polars as pl
import pyromark

from tasks.cards.boilerplate import Boilerplate, shipped
from tasks.cards.evidence import Evidence, evidence_of
from tasks.cards.facts import facts_of
from tasks.cards.unseen import MARKDOWN_OPTIONS
from tasks.judges.checklist import ChecklistJudge
from tasks.records import CardText


def assess(texts: list[str]) -> float:
    """Describe and judge the texts; returns the seconds."""
    judge, table = ChecklistJudge(), shipped()
    cards = [CardText(str(number), text) for number, text in enumerate(texts)]
    for _ in judge.score(cards[:50]):
        pass
    began = time.perf_counter()
    for _ in judge.score_evidence(_described(cards, table)):
        pass
    return time.perf_counter() - began


def _described(cards: list[CardText], table: Boilerplate) -> Iterator[tuple[CardText, Evidence]]:
    for card in cards:
        evidence = evidence_of(card.card_text, table)
        facts_of(card, evidence, table)
        yield card, evidence


def parse_alone(texts: list[str]) -> float:
    """Run the Markdown parser over the texts and look at no event; returns the seconds."""
    began = time.perf_counter()
    for text in texts:
        for _ in pyromark.events(text, options=MARKDOWN_OPTIONS):
            pass
    return time.perf_counter() - began


def main() -> None:
    """Print texts per second."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--texts", type=int, default=6000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    column = pl.scan_parquet(options.corpus).select("card_text").drop_nulls().unique(maintain_order=True)
    every = column.collect()["card_text"]
    texts = every.sample(min(options.texts, len(every)), seed=20).to_list()
    shares = [texts[number :: options.processes] for number in range(options.processes)]
    with ProcessPoolExecutor(options.processes, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(assess, [texts[:50]] * options.processes))
        together = [max(pool.map(assess, shares)) for _ in range(options.rounds)]
        alone = [pool.submit(assess, texts).result() for _ in range(options.rounds)]
        parsed = [pool.submit(parse_alone, texts).result() for _ in range(options.rounds)]
    for name, seconds in (
        (f"{options.processes} processes", together),
        ("one process", alone),
        ("the Markdown parser alone", parsed),
    ):
        print(f"{name:28} {len(texts) / median(seconds):8,.0f} texts/s")
    print(f"{'times the parser alone':28} {median(alone) / median(parsed):8.1f}")


if __name__ == "__main__":
    main()
