"""What the benchmark makes up: labels that authors exchanged, and a third of them by one author."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.fitting import chosen_texts, planted_marks, shuffled_by_group, written
from tasks.fitted.evaluating import Material
from tasks.fitted.weighing import Answers


def material(n: int, groups: list[int]) -> Material:
    values = (np.random.default_rng(1).random((n, 6)) < 0.5).astype(np.float64)
    column = np.arange(n).astype(np.float64)
    return Material(Answers(values, np.ones(6)), column, column, column, np.array(groups))


def test_each_author_draws_from_the_marks_of_another_one() -> None:
    before = material(12, [0] * 6 + [1, 2, 3, 4, 5, 6])
    after = shuffled_by_group(before, np.random.default_rng(3))
    author = dict(zip(before.marks, before.groups, strict=True))
    sources = [author[mark] for mark in after.marks]
    assert all(source != own for source, own in zip(sources, before.groups, strict=True))
    assert len(set(sources[:6])) == 1
    assert (after.answers.values == before.answers.values).all()


def test_a_third_of_heavy_labels_are_of_the_largest_author() -> None:
    of = material(90, [7] * 50 + [*range(10, 50)])
    chosen = chosen_texts(of, 30, is_heavy=True, rng=np.random.default_rng(1))
    assert (of.groups[chosen] == 7).sum() == 10
    assert len(set(chosen.tolist())) == 30


def test_planted_marks_follow_the_weights_with_noise_and_have_the_levels_asked_for() -> None:
    of = material(500, [*range(500)])
    weights = np.array([2.0, 0, 0, 0, 0, 0])
    marks = planted_marks(of, weights, 5, np.random.default_rng(2))
    assert set(marks) == {1, 2, 3, 4, 5}
    assert 0.4 < np.corrcoef(marks, of.answers.values[:, 0])[0, 1] < 0.95


def test_the_table_is_written_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- fitting: begin -->\nold\n<!-- fitting: end -->\nb\n")
    written(page, "new")
    assert page.read_text() == "a\n<!-- fitting: begin -->\nnew\n<!-- fitting: end -->\nb\n"
