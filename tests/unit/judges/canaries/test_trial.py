"""Who passes the canaries and who does not: the checklist, a competent judge model, and broken ones over real HTTP."""

from __future__ import annotations

import pytest

from tasks.judges import opened_judge
from tasks.judges.canaries.loading import load_canaries
from tasks.judges.canaries.ordering import CONCORDANCE_LEAST, SPREAD_LEAST
from tasks.judges.canaries.trial import failure_words, trial_of, try_canaries
from tasks.judges.characters import competent, copies_a_pattern, fails_everything
from tasks.judges.checklist import ChecklistJudge
from tasks.judges.scripted import Character, answer_for, running_scripted_judge
from tasks.progress import listening
from tasks.records import CanaryTrial, JudgeSpec, Verdict


def tried(character: Character) -> CanaryTrial:
    with (
        running_scripted_judge(character=character) as server,
        opened_judge(JudgeSpec("vllm", urls=(server.url,))) as judge,
    ):
        return try_canaries(judge)


def verdict(card_hash: str, score: float | None, reason: str | None = None) -> Verdict:
    return Verdict(card_hash, "toy", "f", score, "checks" if score else None, {}, [], [], [], reason)


def scored_by_level(refused: int = 0) -> list[Verdict]:
    """A judge that gives each canary its level, but for the first few, which it refuses."""
    return [
        verdict(canary.card_text.card_hash, None, "cut_off")
        if place < refused
        else verdict(canary.card_text.card_hash, canary.level + 0.5)
        for place, canary in enumerate(load_canaries())
    ]


def test_the_checklist_passes_with_room() -> None:
    trial = try_canaries(ChecklistJudge())
    assert trial.is_passed
    assert (trial.concordance or 0) > CONCORDANCE_LEAST + 0.1
    assert (trial.spread or 0) > SPREAD_LEAST + 2
    assert (trial.cards, trial.refused, len(trial.ranking)) == (16, 0, 16)


@pytest.mark.parametrize("mode", ["expected", "decided", "soft"])
def test_a_competent_judge_model_passes_whatever_its_score_is_made_of(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_SCORE_MODE", mode)
    assert tried(competent).is_passed


@pytest.mark.parametrize("mode", ["expected", "decided", "soft"])
@pytest.mark.parametrize("broken", [copies_a_pattern, fails_everything, answer_for])
def test_a_judge_model_that_does_not_read_fails(
    broken: Character, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDIOGRAPH_JUDGE_SCORE_MODE", mode)
    trial = tried(broken)
    assert not trial.is_passed
    assert "of the pairs are in the right order (at least 85 %)" in trial.faults[0]


def test_two_refused_answers_pass_and_a_third_is_named_with_its_reason() -> None:
    assert trial_of("toy", "f", scored_by_level(refused=2)).is_passed
    trial = trial_of("toy", "f", scored_by_level(refused=3))
    assert trial.refused == 3
    assert trial.faults[0] == "3 of 16 answers cannot be used (cut_off 3; at most 2)"


def test_a_judge_that_refuses_everything_fails_in_words() -> None:
    trial = trial_of("toy", "f", scored_by_level(refused=16))
    assert not trial.is_passed
    assert (trial.concordance, trial.spread) == (0.5, None)
    assert failure_words(trial).endswith("its order from best to worst: none")


def test_some_of_the_canaries_are_a_trial_too() -> None:
    some = [one for one in scored_by_level() if (one.score or 0) in (1.5, 4.5)]
    trial = trial_of("toy", "f", some)
    assert (trial.cards, trial.concordance, trial.spread) == (8, 1.0, 3.0)


def test_the_words_for_a_failure_have_the_order_in_one_line() -> None:
    words = failure_words(tried(fails_everything))
    assert words.startswith("vllm:scripted failed the canaries: ")
    assert "\n" not in words
    assert all(canary.name in words for canary in load_canaries())


def test_the_progress_of_a_trial_is_counted() -> None:
    seen: list[tuple[str, int, int | None]] = []
    with listening(lambda *news: seen.append(news)):
        try_canaries(ChecklistJudge())
    assert seen[0] == ("canaries", 0, 16)
    assert sum(by for _, by, _ in seen) == 16
