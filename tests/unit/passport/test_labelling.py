"""`cardiograph label`: a stratified, blind sample; every answer on the disk; nothing of a card reaches the terminal."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import polars as pl
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from flows.cli.console import Console
from flows.cli.label import CARD_CHARACTERS, label, mark_of, pages, safe, shown
from tasks.demo.hostile import FORMS
from tasks.errors import LabelsInvalid, UsageError
from tasks.passport import diary
from tasks.passport.labels import read_labels
from tasks.passport.sample import draw, draw_sample
from tasks.records import CardText
from tasks.rubric import load_rubric

MakeHome = Callable[..., Path]

app = typer.Typer()
app.command()(label)


def run(*arguments: str | int | Path, answers: str = "") -> Result:
    return CliRunner().invoke(
        app, [*map(str, arguments)], input=answers, env={"COLUMNS": "100", "LINES": "40", "TERM": "dumb"}
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def candidates(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["card_hash", "author", "stratum"], orient="row")


# ------------------------------------------------------------------------------------------------------- the sample


def test_every_level_is_drawn_equally_as_far_as_it_goes_and_every_author_once() -> None:
    crowd = [(f"h{n}", f"author{n % 60}", 1 if n < 150 else 2 + n % 4) for n in range(200)]
    drawn = draw(candidates(*crowd), 25, seed=1)
    about = {card_hash: (author, stratum) for card_hash, author, stratum in crowd}
    assert len(set(drawn)) == 25
    assert len({about[one][0] for one in drawn}) == 25
    assert set(Counter(about[one][1] for one in drawn).values()) == {5}


def test_a_rare_level_is_drawn_whole_and_the_others_fill_up() -> None:
    crowd = [(f"h{n}", f"a{n}", 5 if n < 2 else 1 + n % 2) for n in range(100)]
    drawn = draw(candidates(*crowd), 12, seed=3)
    assert {"h0", "h1"} <= set(drawn)
    assert len(drawn) == 12


def test_the_same_seed_draws_the_same_and_the_order_tells_no_level() -> None:
    crowd = candidates(*[(f"h{n:03}", f"a{n}", 1 + n % 5) for n in range(300)])
    assert draw(crowd, 40, seed=1) == draw(crowd, 40, seed=1) != draw(crowd, 40, seed=2)
    levels = [1 + int(one[1:]) % 5 for one in draw(crowd, 40, seed=1)]
    assert levels != sorted(levels)
    assert any(one == other for one, other in pairwise(levels))


def test_a_sample_goes_on_where_it_left_off_with_other_authors_and_levels_even() -> None:
    crowd = [(f"h{n}", f"a{n % 80}", 1 + n % 5) for n in range(300)]
    about = {card_hash: (author, stratum) for card_hash, author, stratum in crowd}
    first = draw(candidates(*crowd), 10, seed=1)
    rest = draw(candidates(*crowd), 10, seed=1, without=frozenset(first))
    assert len({about[one][0] for one in first + rest}) == 20
    assert set(Counter(about[one][1] for one in first + rest).values()) == {4}


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=40),
    st.integers(0, 12),
    st.integers(0, 3),
)
def test_any_population_gives_a_sample_without_repeats(
    crowd: list[tuple[int, int]], n: int, seed: int
) -> None:
    rows = [(f"h{at}", f"a{author}", stratum) for at, (author, stratum) in enumerate(crowd)]
    frame = pl.DataFrame(rows, schema={"card_hash": str, "author": str, "stratum": pl.Int32}, orient="row")
    drawn = draw(frame, n, seed=seed)
    authors = [{h: a for h, a, _ in rows}[one] for one in drawn]
    assert len(set(authors)) == len(drawn)
    assert len(drawn) == min(n, len({author for author, _ in crowd}))


def test_without_a_judge_strata_are_fifths_by_length(make_home: MakeHome) -> None:
    sample = draw_sample(make_home(is_judged=False), 10, seed=1)
    lengths = sorted(len(text.card_text) for text in sample.texts)
    assert sample.basis == "length"
    assert lengths[0] * 5 < lengths[-1]


def test_a_judge_that_has_not_judged_is_told(make_home: MakeHome) -> None:
    with pytest.raises(UsageError, match="choose from: checklist"):
        draw_sample(make_home(), 10, seed=1, judge="vllm:x")


# ------------------------------------------------------------------------------------------------------ the terminal


def test_answers_are_written_as_they_come_and_a_second_run_goes_on(
    tmp_path: Path, make_home: MakeHome
) -> None:
    home, labels = make_home(), tmp_path / "labels.csv"
    first = run(labels, "--home", home, "--n", 4, answers="3\n4,5\nq\n")
    assert first.exit_code == 0, first.exception
    assert [row["score"] for row in rows_of(labels)] == ["3", "4.5"]
    run(labels, "--home", home, "--n", 4, answers="s\n1\n5\n5\n")
    assert [row["score"] for row in rows_of(labels)] == ["3", "4.5", "", "1"]
    assert len({row["card_hash"] for row in rows_of(labels)}) == 4
    third = run(labels, "--home", home, "--n", 4, answers="5\n")
    assert "none is left" in third.stdout
    found = read_labels(labels, home)
    assert (len(found.texts), found.blank, found.raters) == (3, 1, ["me"])


def test_two_raters_label_the_same_texts(tmp_path: Path, make_home: MakeHome) -> None:
    home, labels = make_home(), tmp_path / "labels.csv"
    for rater in ("ada", "=bob"):
        run(labels, "--home", home, "--n", 3, "--rater", rater, answers="3\n4\n5\n")
    found = read_labels(labels, home)
    assert found.raters == ["=bob", "ada"]
    assert len(found.texts) == 3
    assert len(found.ratings) == 6


def test_back_corrects_the_answer_before(tmp_path: Path, make_home: MakeHome) -> None:
    home, labels = make_home(), tmp_path / "labels.csv"
    run(labels, "--home", home, "--n", 2, answers="1\nb\n5\n2\n")
    found = read_labels(labels, home)
    assert sorted(rating.marks["score"] for rating in found.ratings) == [2, 5]


def test_criterion_by_criterion_asks_all_of_them_and_the_score_last(
    tmp_path: Path, make_home: MakeHome
) -> None:
    home, labels = make_home(), tmp_path / "labels.csv"
    criteria = [criterion.id for criterion in load_rubric().criteria]
    answers = "".join(f"{1 + n % 5}\n" for n in range(len(criteria))) + "b\n4\n5\n"
    done = run(labels, "--home", home, "--n", 1, "--criteria", answers=answers)
    (row,) = rows_of(labels)
    assert row["score"] == "5"
    assert [row[name] for name in criteria] == [*(str(1 + n % 5) for n in range(len(criteria) - 1)), "4"]
    assert done.stdout.count("page 1 of") == 1


def test_a_half_answered_card_is_not_written(tmp_path: Path, make_home: MakeHome) -> None:
    run(tmp_path / "l.csv", "--home", make_home(), "--n", 1, "--criteria", answers="3\n3\n")
    assert not (tmp_path / "l.csv").exists()


def test_the_scale_is_the_rubric_s_and_nonsense_is_asked_again(tmp_path: Path, make_home: MakeHome) -> None:
    done = run(tmp_path / "l.csv", "--home", make_home(), "--n", 1, answers="?\n6\nfive\n5.5\nr\nt\n\n4\n")
    told = " ".join(done.stdout.split())
    for criterion in load_rubric().criteria:
        assert all(anchor in told for anchor in criterion.anchors)
    assert told.count("is not an answer") == 3
    assert [row["score"] for row in rows_of(tmp_path / "l.csv")] == ["4"]


def test_neither_scores_nor_popularity_are_shown_or_written(tmp_path: Path, make_home: MakeHome) -> None:
    cards = [(f"ada{n}/m", f"# Card {n}\n\nWords.") for n in range(3)]
    home = make_home(cards=cards)
    done = run(tmp_path / "l.csv", "--home", home, "--n", 3, answers="3\n3\n3\n")
    run("--home", home, "--export", tmp_path / "e.csv")
    for told in (done.stdout, (tmp_path / "l.csv").read_text(), (tmp_path / "e.csv").read_text()):
        assert not any(word in told.casefold() for word in ("download", "likes", "ada0", "1.2"))


def test_a_file_of_other_columns_is_left_alone(tmp_path: Path, make_home: MakeHome) -> None:
    (tmp_path / "other.csv").write_text("model_id,score\na,3\n")
    done = run(tmp_path / "other.csv", "--home", make_home(), answers="3\n")
    assert isinstance(done.exception, LabelsInvalid)
    assert (tmp_path / "other.csv").read_text() == "model_id,score\na,3\n"


@pytest.mark.parametrize("word", ["1", "5", "3.5", "4,25", "5.0"])
def test_marks_are_numbers_from_1_to_5(word: str) -> None:
    assert mark_of(word) == float(word.replace(",", "."))


@pytest.mark.parametrize("word", ["0", "6", "5.5", "-1", "1e0", "", "٣", "nan", "3 4", "0.9"])
def test_anything_else_is_none(word: str) -> None:
    assert mark_of(word) is None


# ------------------------------------------------------------------------------------------------------ hostile cards


def lines_of(text: str, *, as_source: bool = False) -> str:
    console = Console(width=80, height=30, file=io.StringIO())
    return "".join(s.text for page in pages(console, shown(text, as_source=as_source), 20) for s in page)


def is_harmless(text: str) -> bool:
    return not any(
        c for c in text if c not in "\n\t" and (ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2066")
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_hostile_card_is_shown_without_harm(form: str) -> None:
    card = FORMS[form]("---\nlicense: mit\n---\n# A\n\nText of it.\n\n## B\n\nMore.\n", Random(1))
    assert is_harmless(lines_of(card))
    assert is_harmless(lines_of(card, as_source=True))


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J\x1b[31mred",
        "\x1b]8;;https://evil.invalid\x07link\x1b]8;;\x07",
        "\x9b2J",
        "a &#27;[2J &#x1b;]0;title&#7; &#x9b;31m b",
        "```\n\x1b[5m\n```",
        "```\x1b[5m evil\nx\n```",
        "[a](http://x/\x1b[31m)",
        "\r\x08\x08\x08over",
    ],
)
def test_escape_sequences_of_every_kind_are_taken_out(text: str) -> None:
    assert is_harmless(lines_of(text))
    assert is_harmless(lines_of(text, as_source=True))


@given(st.text(max_size=200))
def test_any_card_is_shown_without_harm(text: str) -> None:
    assert is_harmless(lines_of(text))
    assert safe(safe(text)) == safe(text)


def test_no_link_of_a_card_can_be_clicked_without_being_seen() -> None:
    console = Console(width=80, height=30, file=io.StringIO(), force_terminal=True)
    for page in pages(console, shown("[docs](https://evil.invalid/x)", as_source=False), 20):
        assert all(segment.style is None or segment.style.link is None for segment in page)


def test_a_huge_card_is_cut_with_a_note() -> None:
    assert "more characters are not shown" in lines_of("word " * CARD_CHARACTERS)


# ------------------------------------------------------------------------------------------------------ spreadsheets


def test_an_export_holds_texts_that_are_no_formulas_and_calibrates_once_filled_in(
    tmp_path: Path, make_home: MakeHome
) -> None:
    cards = [("a/1", "=1+1\n\ntext"), ("b/2", "---\nlicense: mit\n---\n"), ("c/3", '# Plain, with "quotes"')]
    home, sheet = make_home(cards=cards), tmp_path / "sheet.csv"
    assert run("--home", home, "--export", sheet).exit_code == 0
    rows = rows_of(sheet)
    assert not any(row["card_text"].startswith(("=", "-", "+", "@")) for row in rows)
    for n, row in enumerate(rows):
        row["score"] = str(n + 1)
    with sheet.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    for where in (home, tmp_path / "nowhere"):
        found = read_labels(sheet, where)
        assert {text.card_text for text in found.texts} == {text for _, text in cards}


def test_a_text_too_long_for_a_cell_is_cut_and_known_by_its_hash(tmp_path: Path) -> None:
    card = CardText("h" * 64, "x" * 100_000)
    diary.export(tmp_path / "e.csv", [card], "me")
    csv.field_size_limit(1_000_000)
    (row,) = rows_of(tmp_path / "e.csv")
    assert len(row["card_text"]) < 32_767
    assert row["card_hash"] == card.card_hash


def test_an_export_overwrites_nothing(tmp_path: Path, make_home: MakeHome) -> None:
    (tmp_path / "e.csv").write_text("precious")
    done = run("--home", make_home(), "--export", tmp_path / "e.csv")
    assert isinstance(done.exception, LabelsInvalid)
    assert (tmp_path / "e.csv").read_text() == "precious"


def test_a_filled_sheet_joins_the_labels(tmp_path: Path, make_home: MakeHome) -> None:
    home, labels, sheet = make_home(), tmp_path / "labels.csv", tmp_path / "sheet.csv"
    run("--home", home, "--n", 3, "--export", sheet)
    rows = rows_of(sheet)
    rows[0]["score"] = "2"
    with sheet.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    done = run(labels, "--home", home, "--import", sheet)
    assert "1 answers added" in done.stdout
    assert "2 rows were blank" in done.stdout
    assert len(read_labels(labels, home).texts) == 1


def test_a_sheet_from_elsewhere_is_not_taken_in(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("card_text,score\na,3\n")
    done = run(tmp_path / "labels.csv", "--import", tmp_path / "sheet.csv")
    assert isinstance(done.exception, LabelsInvalid)
    assert "calibrate" in str(done.exception)
    assert not (tmp_path / "labels.csv").exists()
