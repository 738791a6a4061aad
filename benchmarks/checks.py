"""How often the checklist answers as a reader did, per check.

    python benchmarks/checks.py --labels benchmarks/checks_labels.csv --corpus hub.parquet demo.parquet [--list CHECK]

The labels are a table of `card` (a model id, or the path of a card's file), `check`, `answer` (1 or 0) and, if there is
one, `doubtful` (1 where the reader hesitated). A corpus has `model_id` and `card_text`; of several snapshots the last
counts. Precision, recall and Cohen's kappa are those of the answer "yes"; `--list` prints where a check differs.
`checks_labels.csv` holds the answers of one reader per card, given without sight of the checklist's: 45 cards of
February 2022 and 15 of the demo (`cardiograph hub make-corpus demo.parquet --models 1000 --weeks 1 --seed 7`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tasks.cards.evidence import evidence_of
from tasks.judges.checks import CHECKS


@dataclass(frozen=True, slots=True)
class Agreement:
    """Answers of the checklist against a reader's: how many of each pair."""

    both: int
    only_checklist: int
    only_reader: int
    neither: int

    @property
    def cards(self) -> int:
        return self.both + self.only_checklist + self.only_reader + self.neither

    @property
    def agreement(self) -> float:
        return (self.both + self.neither) / self.cards

    @property
    def precision(self) -> float:
        """Share of the checklist's yeses that the reader shares; 1 where it never says yes."""
        said = self.both + self.only_checklist
        return self.both / said if said else 1.0

    @property
    def recall(self) -> float:
        """Share of the reader's yeses that the checklist shares; 1 where there is none."""
        true = self.both + self.only_reader
        return self.both / true if true else 1.0

    @property
    def kappa(self) -> float:
        """Agreement beyond chance; 1 where both always give the same single answer."""
        said, true = (
            (self.both + self.only_checklist) / self.cards,
            (self.both + self.only_reader) / self.cards,
        )
        chance = said * true + (1 - said) * (1 - true)
        return (self.agreement - chance) / (1 - chance) if chance < 1 else 1.0


def agreement(answers: pl.DataFrame) -> Agreement:
    """Count the pairs of the columns `found` and `answer`."""
    pairs = [
        2 * bool(found) + bool(answer) for found, answer in answers.select("found", "answer").iter_rows()
    ]
    return Agreement(pairs.count(3), pairs.count(2), pairs.count(1), pairs.count(0))


def answered(labels: pl.DataFrame, texts: dict[str, str]) -> pl.DataFrame:
    """The labels of known checks, the checklist's answers in `found`. Raises `ValueError` for a card without text."""
    labels = labels.filter(pl.col("check").is_in(list(CHECKS)))
    if missing := sorted(set(labels["card"]) - texts.keys()):
        raise ValueError(f"{len(missing)} labelled cards are in no corpus, such as {missing[0]}")
    evidence = {card: evidence_of(texts[card]) for card in labels["card"].unique(maintain_order=True)}
    found = [CHECKS[check](evidence[card]) for card, check in labels.select("card", "check").iter_rows()]
    return labels.with_columns(pl.Series("found", found))


def texts_of(cards: Sequence[str], corpora: Sequence[Path]) -> dict[str, str]:
    """The text of each card that is a file or stands in a corpus."""
    texts = {card: Path(card).read_text("utf-8") for card in set(cards) if card.endswith(".md")}
    for corpus in corpora:
        rows = pl.read_parquet(corpus, columns=["model_id", "card_text"]).drop_nulls()
        texts |= dict(rows.filter(pl.col("model_id").is_in(list(cards))).iter_rows())
    return texts


def line(name: str, found: Agreement) -> str:
    """One row of the table."""
    shares = (found.agreement, found.precision, found.recall, found.kappa)
    counts = (found.cards, found.both + found.only_reader, found.only_checklist, found.only_reader)
    return f"{name:24}" + "".join(f"{n:>8}" for n in counts) + "".join(f"{share:>11.2f}" for share in shares)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", type=Path, default=Path(__file__).parent / "checks_labels.csv")
    parser.add_argument("--corpus", type=Path, nargs="*", default=[])
    parser.add_argument("--list", choices=list(CHECKS), help="also print the cards where this check differs")
    parser.add_argument("--certain", action="store_true", help="leave out what the reader doubted")
    options = parser.parse_args()
    labels = pl.read_csv(options.labels)
    if options.certain and "doubtful" in labels.columns:
        labels = labels.filter(pl.col("doubtful") == 0)
    answers = answered(labels, texts_of(labels["card"].unique().to_list(), options.corpus))
    heads = ("cards", "yes", "too kind", "missed", "agreement", "precision", "recall", "kappa")
    print(f"{'check':24}" + "".join(f"{head:>{8 if n < 4 else 11}}" for n, head in enumerate(heads)))
    for check in CHECKS:
        if len(part := answers.filter(pl.col("check") == check)):
            print(line(check, agreement(part)))
    print(line("all", agreement(answers)))
    if options.list:
        for card, found, answer in (
            answers.filter(
                (pl.col("check") == options.list) & (pl.col("found") != pl.col("answer").cast(bool))
            )
            .select("card", "found", "answer")
            .iter_rows()
        ):
            print(
                f"{card}: the checklist says {'yes' if found else 'no'}, the reader {'yes' if answer else 'no'}"
            )


if __name__ == "__main__":
    main()
