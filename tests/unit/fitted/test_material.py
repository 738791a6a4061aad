"""Labels, answers, authors and near-copies become numbers, or a word about what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import LabelsInvalid
from tasks.fitted.material import (
    check,
    direction_of,
    gathered,
    groups_of,
    kind_of_answers,
    owners_of,
    values_of,
)
from tasks.passport.labels import LabelledTexts, Rating, read_labels
from tasks.records import CardText, Verdict
from tasks.rubric import load_rubric

CHECKS = [one.id for one in load_rubric().checks]


def card(text: str) -> CardText:
    return CardText(hashlib.sha256(text.encode()).hexdigest(), text)


def verdict(text: CardText, passed: Sequence[str] = (), log_odds: dict[str, float] | None = None) -> Verdict:
    return Verdict(text.card_hash, "j", "f", 2.0, "checks", {}, list(passed), [], [], log_odds=log_odds or {})


def labelled(texts: Sequence[CardText], marks: Sequence[float]) -> LabelledTexts:
    ratings = [Rating(t.card_hash, "r", {"score": mark}) for t, mark in zip(texts, marks, strict=True)]
    return LabelledTexts(tuple(texts), tuple(ratings))


TEXTS = [card(f"# Model {name}\n\nAbout {name} and nothing else than {name}.") for name in "abcdefghijkl"]
MARKS = [1.0, 5.0] * 6
OWNERS = {text.card_hash: frozenset({f"author-{n}"}) for n, text in enumerate(TEXTS)}


def test_checks_are_ones_and_zeros_and_log_odds_are_clipped_and_even_where_missing() -> None:
    (passed,) = values_of([verdict(TEXTS[0], CHECKS[:2])], "passed")
    assert list(passed[:3]) == [1, 1, 0]
    (odds,) = values_of([verdict(TEXTS[0], log_odds={CHECKS[0]: 99.0, CHECKS[1]: -2.5})], "log_odds")
    assert list(odds[:3]) == [8.0, -2.5, 0.0]


def test_the_direction_is_what_each_check_adds_to_the_rubric_s_score() -> None:
    rubric, direction = load_rubric(), direction_of(load_rubric())
    nothing = rubric.score(rubric.levels([]))
    for name, points in zip(CHECKS, direction, strict=True):
        assert rubric.score(rubric.levels([name])) - nothing == pytest.approx(points)
    assert direction.sum() == pytest.approx(4)


def test_a_judge_that_gives_log_odds_is_weighed_by_them_and_texts_without_are_left_out() -> None:
    found = {text.card_hash: verdict(text, log_odds={CHECKS[0]: float(n)}) for n, text in enumerate(TEXTS)}
    assert kind_of_answers(found.values()) == "log_odds"
    found[TEXTS[0].card_hash] = verdict(TEXTS[0])
    what = gathered(labelled(TEXTS, MARKS), found, OWNERS, "score")
    assert (what.kind, len(what.material.marks), what.unscored) == ("log_odds", 11, 1)


def test_texts_that_the_judge_could_not_score_are_counted() -> None:
    found = {text.card_hash: verdict(text) for text in TEXTS[:11]}
    what = gathered(labelled(TEXTS, MARKS), found, {}, "score")
    assert (what.unscored, what.without_author) == (1, 11)


def test_an_author_whatever_the_case_and_a_near_copy_make_one_group() -> None:
    words = " ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(200))
    one, copy, other, alone = card(words), card(words + " more"), card("nothing like it"), card("alone")
    owners = {one.card_hash: frozenset({"Ada"}), other.card_hash: frozenset({"ada", "bob"})}
    groups = groups_of([one, copy, other, alone], owners)
    assert groups[0] == groups[1] == groups[2] != groups[3]


@pytest.mark.parametrize(
    ("marks", "groups", "words"),
    [
        (
            [1, 2] * 4,
            range(8),
            "8 texts have a label of 'score' and a score of the judge, and weights need 10",
        ),
        ([3] * 12, range(12), "all 12 texts are labelled 3 for 'score'"),
        ([1, 2] * 6, [0] * 12, "all 12 texts are by one author"),
        (
            [5, 5, 5] + [1] * 9,
            [0, 0, 0, *range(1, 10)],
            "without one author's texts all labels of 'score' are 1",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_words(
    marks: list[float], groups: Sequence[int], words: str
) -> None:
    with pytest.raises(LabelsInvalid, match=words) as refused:
        check(np.array(marks, np.float64), np.array(groups), "score")
    assert "; label" in str(refused.value)


def test_authors_come_from_the_file_where_there_is_no_warehouse(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(
        "card_text,model_id,author,score\n# A,ada/x,,0\n# B,gpt2,,1\n# C,,cid,1\n# D,,,0\n# A,bob/y,,1\n"
    )
    found = read_labels(tmp_path / "labels.csv", tmp_path, lowest=0)
    owners = owners_of(found, tmp_path)
    named = [set(owners.get(card(text).card_hash, ())) for text in ("# A", "# B", "# C", "# D")]
    assert named == [{"ada", "bob"}, {"gpt2"}, {"cid"}, set()]
    assert found.ignored == ()


def test_a_zero_is_a_label_for_a_fit_alone(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("card_text,score\n# A,0\n# B,1\n")
    with pytest.raises(LabelsInvalid, match="score is '0'; write a number from 1 to 5"):
        read_labels(tmp_path / "labels.csv", tmp_path)
    assert read_labels(tmp_path / "labels.csv", tmp_path, lowest=0).consensus("score").tolist() == [0, 1]
