"""Judges with a known fault, tried on edited cards: the passport says what each of them notices."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pytest

from tasks.judges.checklist import ChecklistJudge
from tasks.passport.agreement import Measure
from tasks.passport.metamorphic.examining import digest_of, examine_evidence
from tasks.passport.metamorphic.measures import in_spread, share
from tasks.passport.metamorphic.reading import evidence_tables
from tasks.passport.passport import find, part_of
from tasks.records import CardText, PassportEntry, Verdict
from tasks.rubric import load_rubric
from tasks.sentences.evidence import evidence_sentences
from tests.progress import counted

CHECKS = [check.id for check in load_rubric().checks]


class CopyingJudge(ChecklistJudge):
    """Answers with the same digits whatever it reads, as a weak model copies its prompt's example."""

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """The same verdict for all."""
        passed = CHECKS[::2]
        levels = load_rubric().levels(passed)
        for card in cards:
            verdict = next(super().score([CardText(card.card_hash, "# T\n\nSome words to be scored.")]))
            yield replace(verdict, score=3.0, passed=passed, levels=levels)


class GuessingJudge(ChecklistJudge):
    """Answers by chance."""

    def __init__(self) -> None:
        super().__init__()
        self._random = random.Random(5)

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """Every check by a coin."""
        for verdict in super().score(cards):
            passed = [check for check in CHECKS if self._random.random() < 0.5]
            levels = load_rubric().levels(passed)
            yield replace(verdict, passed=passed, levels=levels, score=load_rubric().score(levels))


def estimate(entries: Sequence[PassportEntry], probe: str, measure: str, subject: str = "score") -> float:
    found = find(entries, probe, measure, subject)
    assert found is not None
    assert found.estimate is not None, found.detail
    return found.estimate


@pytest.fixture(scope="module")
def texts(demo_texts: list[CardText]) -> list[CardText]:
    return demo_texts[:14]


@pytest.fixture(scope="module")
def honest(texts: list[CardText]) -> list[PassportEntry]:
    return examine_evidence(ChecklistJudge(), texts)


@pytest.fixture(scope="module")
def copying(texts: list[CardText]) -> list[PassportEntry]:
    return examine_evidence(CopyingJudge(), texts)


def test_the_checklist_moves_with_its_evidence_and_stays_otherwise(honest: list[PassportEntry]) -> None:
    assert estimate(honest, "evidence", "share_moved") > 0.9
    assert estimate(honest, "evidence", "share_stirred") < 0.01
    for criterion in load_rubric().criteria:
        assert estimate(honest, "evidence", "level_difference", criterion.id) > 0.3
    assert estimate(honest, "invariance", "share_same", "order of sections") == 1


def test_entries_are_keyed_once_and_say_which_cards_were_edited(
    honest: list[PassportEntry], texts: list[CardText]
) -> None:
    assert len({(e.probe, e.measure, e.subject) for e in honest}) == len(honest)
    assert {e.labels for e in honest} == {digest_of(texts)}
    assert digest_of(texts) == digest_of(texts[::-1])
    assert all(e.is_label_free for e in honest)
    assert all(e.ci_low <= e.estimate <= e.ci_high for e in honest if e.ci_low is not None)  # type: ignore[operator]
    assert part_of(honest).startswith(f"passports/{honest[0].fingerprint}-{digest_of(texts)}")


def test_a_judge_that_copies_moves_never_and_is_not_flattered(copying: list[PassportEntry]) -> None:
    assert estimate(copying, "evidence", "share_moved") == 0
    assert estimate(copying, "evidence", "level_difference", "purpose") == 0
    for subject in ("padding", "attack"):
        figure = find(copying, "sway", "mean_rise_sds", subject)
        assert figure is not None
        assert figure.estimate is None
        assert "no spread" in str(figure.detail)
    said = " ".join(evidence_sentences(copying))
    assert "no merit" in said
    assert "because it has none" in said
    assert "No check of" in said


def test_a_judge_that_guesses_moves_no_more_by_evidence_than_by_other_edits(texts: list[CardText]) -> None:
    entries = examine_evidence(GuessingJudge(), texts)
    moved, stirred = (estimate(entries, "evidence", name) for name in ("share_moved", "share_stirred"))
    assert moved == pytest.approx(0.5, abs=0.06)
    assert stirred == pytest.approx(0.5, abs=0.03)
    assert abs(estimate(entries, "evidence", "effect_size", "limitations_and_risks")) < 0.5


def test_a_text_that_gets_no_verdict_is_left_out(texts: list[CardText]) -> None:
    class Refusing(ChecklistJudge):
        def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
            for verdict in super().score(cards):
                yield replace(verdict, score=None, passed=[], levels={}, reason="not_json", detail="no")

    assert [e for e in examine_evidence(Refusing(), texts[:3]) if e.estimate] == []


def test_every_bar_ends_at_what_it_announced(texts: list[CardText]) -> None:
    with counted() as stages:
        examine_evidence(ChecklistJudge(), texts[:3])
    assert list(stages) == ["calibrate", "attack"]
    for ((done, total),) in stages.values():
        assert done == total


def test_shares_count_pairs_and_resample_cards() -> None:
    rows = [("a", True)] * 9 + [("b", False), ("c", True), ("d", False)]
    found = share("share_moved", rows, seed=1)
    assert (found.n, found.estimate) == (12, 10 / 12)
    assert found.ci_low is not None
    assert found.ci_low < 0.5  # four cards, not twelve pairs


def test_a_rise_in_the_judges_spread_divides_both_ends() -> None:
    rise = Measure("mean_rise", 9, 0.2, 0.1, 0.3)
    found = in_spread(rise, [1.0, 3.0])
    assert (found.name, found.estimate, found.ci_low, found.ci_high) == ("mean_rise_sds", 0.2, 0.1, 0.3)
    assert in_spread(rise, [2.0, 2.0]).estimate is None


def test_the_tables_have_every_criterion_and_check(honest: list[PassportEntry]) -> None:
    tables = dict(evidence_tables(honest))
    names = {line.name for line in tables["What it notices, by criterion"]}
    assert {criterion.title for criterion in load_rubric().criteria} <= names
    assert len(tables["What it notices, by check"]) > 30
    decoys = [line for line in tables["What it notices, by edit"] if "must move nothing" in line.name]
    assert len(decoys) == 2
