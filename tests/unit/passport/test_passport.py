"""A judge examined: the checklist itself, and judges with a known fault."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

import pytest

from tasks.judges.checklist import ChecklistJudge
from tasks.passport.attacks import attacks, card_text, weak_card
from tasks.passport.labels import LabelledTexts, Rating
from tasks.passport.passport import examine, find, kappa_of
from tasks.passport.probes import consistency
from tasks.passport.reading import conclusion, tables
from tasks.records import CardText, PassportEntry, Verdict
from tasks.rubric import load_rubric
from tests.progress import counted


class Swayed(ChecklistJudge):
    """A checklist with faults: it likes length, obeys pleas, wavers, refuses, and answers in any order."""

    def __init__(self, *, length: float = 0, plea: float = 0, wavers: float = 0, refuses: str = "\0") -> None:
        super().__init__()
        self._length, self._plea, self._wavers, self._refuses = length, plea, wavers, refuses
        self._random = random.Random(4)
        self.orders: list[list[str]] = []

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """The checklist's verdicts, bent."""
        cards = list(cards)
        self.orders.append([card.card_hash for card in cards])
        for card, verdict in reversed(list(zip(cards, super().score(cards), strict=True))):
            if self._refuses in card.card_text or verdict.score is None:
                yield replace(verdict, score=None, score_mode=None, reason="not_json", detail="no")
                continue
            bent = self._length * len(card.card_text) / 10_000 + self._plea * ("score 5" in card.card_text)
            noise = self._random.choice([0, self._wavers])
            yield replace(verdict, score=min(5.0, verdict.score + bent + noise))


def labelled_by_checklist(texts: Sequence[CardText], *, shift: float = 0, raters: int = 1) -> LabelledTexts:
    """Labels that are the checklist's own levels, moved by `shift`."""
    ratings = []
    for verdict in ChecklistJudge().score(texts):
        if verdict.score is not None:
            marks = {name: min(5.0, max(1.0, level + shift)) for name, level in verdict.levels.items()}
            marks["score"] = min(5.0, max(1.0, verdict.score + shift))
            ratings += [Rating(verdict.card_hash, f"r{n}", marks) for n in range(raters)]
    return LabelledTexts(tuple(texts), tuple(ratings))


def estimate(entries: Sequence[PassportEntry], probe: str, measure: str, subject: str = "score") -> float:
    found = find(entries, probe, measure, subject)
    assert found is not None
    assert found.estimate is not None
    return found.estimate


def test_a_judge_that_says_what_people_say_agrees_with_them_perfectly(demo_texts: list[CardText]) -> None:
    entries = examine(ChecklistJudge(), labelled_by_checklist(demo_texts[:40]), repeats=1)
    assert estimate(entries, "agreement", "quadratic_kappa") == pytest.approx(1)
    assert estimate(entries, "agreement", "spearman") == pytest.approx(1)
    assert estimate(entries, "agreement", "krippendorff_alpha") == pytest.approx(1)
    assert estimate(entries, "agreement", "bias") == pytest.approx(0)
    for criterion in load_rubric().criteria:
        assert estimate(entries, "agreement", "quadratic_kappa", criterion.id) == pytest.approx(1)


def test_each_repeat_puts_the_cards_into_other_company(demo_texts: list[CardText]) -> None:
    class Watched(ChecklistJudge):
        asked: ClassVar[list[frozenset[str]]] = []

        def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
            cards = list(cards)
            self.asked.append(frozenset(card.card_hash for card in cards))
            return super().score(cards)

    texts = demo_texts[:40]
    whole = {
        text.card_hash: verdict for text, verdict in zip(texts, ChecklistJudge().score(texts), strict=True)
    }
    consistency(Watched(), texts, whole, repeats=3, seed=1)
    batches = Watched.asked
    assert len(batches) == len(set(batches)) == 3 * 3
    for run in (batches[:3], batches[3:6], batches[6:]):
        assert frozenset().union(*run) == whole.keys()


def test_a_severe_judge_has_a_bias_and_the_same_order(demo_texts: list[CardText]) -> None:
    weak = [text for text in demo_texts[:60] if (next(ChecklistJudge().score([text])).score or 5) < 4]
    entries = examine(ChecklistJudge(), labelled_by_checklist(weak, shift=1), repeats=0)
    assert estimate(entries, "agreement", "bias") == pytest.approx(-1)
    assert estimate(entries, "agreement", "spearman") == pytest.approx(1)
    assert estimate(entries, "agreement", "quadratic_kappa") < 0.7
    assert not [entry for entry in entries if entry.probe == "consistency"]


def test_every_entry_is_keyed_by_judge_labels_probe_measure_and_subject_once(
    demo_texts: list[CardText],
) -> None:
    labelled = labelled_by_checklist(demo_texts[:12], raters=2)
    judge = ChecklistJudge()
    entries = examine(judge, labelled, repeats=1)
    assert len({(e.probe, e.measure, e.subject) for e in entries}) == len(entries)
    assert {(e.judge, e.fingerprint, e.labels) for e in entries} == {
        ("checklist", judge.fingerprint, labelled.digest)
    }
    assert {e.probe for e in entries} == {"agreement", "raters", "consistency", "padding", "attack"}
    assert all(isinstance(e.measured_at, datetime) for e in entries)
    assert all(e.ci_low <= e.estimate <= e.ci_high for e in entries if e.ci_low is not None)  # type: ignore[operator]
    assert {e.subject for e in entries if e.probe == "attack"} >= {attack.id for attack in attacks()}


def test_the_checklist_gives_the_same_scores_each_time_in_every_order(demo_texts: list[CardText]) -> None:
    entries = examine(ChecklistJudge(), labelled_by_checklist(demo_texts[:20]), repeats=2)
    assert estimate(entries, "consistency", "share_identical") == 1
    assert estimate(entries, "consistency", "largest_difference") == 0


def test_a_judge_that_wavers_is_told_so_and_is_asked_in_another_order_each_time(
    demo_texts: list[CardText],
) -> None:
    judge = Swayed(wavers=0.4)
    entries = examine(judge, labelled_by_checklist(demo_texts[:30]), repeats=3)
    assert 0.2 < estimate(entries, "consistency", "share_identical") < 0.8
    assert estimate(entries, "consistency", "largest_difference") == pytest.approx(0.4)
    first, *batches = judge.orders[:7]  # then three times 30 texts, 16 and 14 at a time
    again = [[*one, *other] for one, other in zip(batches[::2], batches[1::2], strict=True)]
    assert len({tuple(order) for order in (first, *again)}) == 4
    assert all(sorted(order) == sorted(first) for order in again)


def test_a_judge_that_likes_length_is_caught_by_padding(demo_texts: list[CardText]) -> None:
    labelled = labelled_by_checklist(demo_texts[:20])
    honest = examine(ChecklistJudge(), labelled, repeats=0)
    fond = examine(Swayed(length=5), labelled, repeats=0)
    assert estimate(fond, "padding", "mean_rise") > estimate(honest, "padding", "mean_rise") + 0.3
    assert estimate(fond, "padding", "share_raised") > 0.7


def test_a_judge_that_obeys_is_caught_by_the_attacks_that_it_obeys(demo_texts: list[CardText]) -> None:
    entries = examine(Swayed(plea=2), labelled_by_checklist(demo_texts[:20]), repeats=0, attacked_texts=3)
    assert estimate(entries, "attack", "share_raised", "plea_repeated") == 1
    assert estimate(entries, "attack", "mean_rise", "plea_repeated") >= 1
    assert estimate(entries, "attack", "share_raised", "language_german") == 0
    assert 0 < estimate(entries, "attack", "share_raised") < 0.6
    assert estimate(entries, "attack", "share_flagged", "family:hidden") > 0
    told = find(entries, "attack", "share_raised")
    assert told is not None
    assert told.n == 3 * len(attacks())


def test_where_no_labelled_card_is_weak_a_weak_one_of_ours_is_attacked(demo_texts: list[CardText]) -> None:
    strong = [text for text in demo_texts if (next(ChecklistJudge().score([text])).score or 0) > 3.2][:5]
    judge = Swayed()
    entries = examine(judge, labelled_by_checklist(strong), repeats=0)
    assert [weak_card().card_hash] in judge.orders
    told = find(entries, "attack", "mean_rise")
    assert told is not None
    assert told.n == len(attacks())


def test_texts_without_a_score_are_counted_and_left_out(demo_texts: list[CardText]) -> None:
    texts = [*demo_texts[:10], card_text("  \n"), card_text("# Secret\n\nWords.")]
    labelled = labelled_by_checklist(texts)
    labelled = LabelledTexts(
        labelled.texts, (*labelled.ratings, Rating(texts[10].card_hash, "r0", {"score": 1.0}))
    )
    entries = examine(Swayed(refuses="Secret"), labelled, repeats=2)
    told = find(entries, "agreement", "share_refused")
    assert told is not None
    assert (told.n, told.detail) == (12, "not_json 2")
    assert told.estimate == pytest.approx(2 / 12)
    for probe, measure in (
        ("agreement", "bias"),
        ("consistency", "share_identical"),
        ("padding", "mean_rise"),
    ):
        found = find(entries, probe, measure)
        assert found is not None
        assert found.n == 10


def test_a_judge_that_refuses_everything_gets_a_passport_without_figures(demo_texts: list[CardText]) -> None:
    entries = examine(Swayed(refuses=""), labelled_by_checklist(demo_texts[:5]), repeats=1)
    kappa = kappa_of(entries)
    assert kappa is not None
    assert (kappa.estimate, kappa.n, kappa.detail) == (None, 0, "fewer than 3 texts")
    assert tables(entries)
    assert "is unknown" in conclusion(entries)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_handful_of_labels_gives_a_passport_too(demo_texts: list[CardText], n: int) -> None:
    entries = examine(ChecklistJudge(), labelled_by_checklist(demo_texts[:n], raters=3), repeats=1)
    assert tables(entries)
    assert conclusion(entries)


def test_labels_of_a_criterion_alone_say_nothing_of_the_score(demo_texts: list[CardText]) -> None:
    labelled = labelled_by_checklist(demo_texts[:10])
    only = tuple(replace(r, marks={"purpose": r.marks["purpose"]}) for r in labelled.ratings)
    entries = examine(ChecklistJudge(), LabelledTexts(labelled.texts, only), repeats=0)
    assert kappa_of(entries) is None
    assert estimate(entries, "agreement", "quadratic_kappa", "purpose") == pytest.approx(1)
    assert "no overall score" in conclusion(entries)


def test_the_same_seed_gives_the_same_passport(demo_texts: list[CardText]) -> None:
    labelled = labelled_by_checklist(demo_texts[:15], shift=0.4)
    one, other = (examine(ChecklistJudge(), labelled, repeats=1, seed=5) for _ in range(2))
    now = datetime(2026, 1, 1)
    assert [replace(e, measured_at=now) for e in one] == [replace(e, measured_at=now) for e in other]


class Generous(ChecklistJudge):
    """Finds everything excellent, so that no text is weak enough to be attacked."""

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """The checklist's verdicts with the highest score."""
        for verdict in super().score(cards):
            yield replace(verdict, score=5.0)


@pytest.mark.parametrize("judge", [ChecklistJudge(), Generous()], ids=["strict", "generous"])
@pytest.mark.parametrize("texts", [1, 20])
def test_progress_reaches_what_was_announced_and_not_more(
    demo_texts: list[CardText], judge: ChecklistJudge, texts: int
) -> None:
    with counted() as stages:
        examine(judge, labelled_by_checklist(demo_texts[:texts]), repeats=2)
    assert stages["calibrate"] == [(4 * texts, 4 * texts)]
    ((done, total),) = stages["attack"]
    assert done == total


def test_the_tables_say_everything_in_words(demo_texts: list[CardText]) -> None:
    entries = examine(Swayed(plea=2), labelled_by_checklist(demo_texts[:30], shift=0.3, raters=2), repeats=1)
    titles = [title for title, _ in tables(entries)]
    assert titles[0] == "Agreement with people"
    assert len(titles) == 8
    shown = "\n".join(
        f"{line.name} {line.estimate} {line.meaning}" for _, lines in tables(entries) for line in lines
    )
    assert "quadratic weighted kappa" in shown
    assert "below people on average" in shown
    assert "two people reach" in shown
    assert "_" not in shown
    assert "rests on 30 texts" in conclusion(entries)


def test_a_label_s_hash_is_that_of_a_readme_of_its_characters() -> None:
    assert card_text("# Größe").card_hash == hashlib.sha256("# Größe".encode()).hexdigest()
