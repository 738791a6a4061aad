"""Labels from any file: ratings, or one line that says which file, where, and what to do."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import LabelsInvalid
from tasks.passport.labels import read_labels
from tasks.passport.sheet import read_sheet, subjects
from tasks.spreadsheets import guarded, unguarded

HEADER = "card_text,score\n"


def write(tmp_path: Path, text: str, name: str = "labels.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_texts_in_the_file_need_no_warehouse(tmp_path: Path) -> None:
    path = write(tmp_path, 'card_text,score,purpose,comment\n"# A, with\nlines",4,2.5,good\n# B,1,,\n')
    found = read_labels(path, tmp_path / "nowhere")
    assert [text.card_text for text in found.texts] == ["# A, with\nlines", "# B"]
    assert found.texts[1].card_hash == digest("# B")
    assert [rating.marks for rating in found.ratings] == [{"score": 4, "purpose": 2.5}, {"score": 1}]
    assert found.consensus("score").tolist() == [4, 1]
    assert np.isnan(found.consensus("purpose")[1])


def test_model_ids_are_looked_up_in_the_latest_snapshot(
    tmp_path: Path, make_home: Callable[..., Path], demo_cards: list[tuple[str, str]]
) -> None:
    (one, text), (other, _) = demo_cards[:2]
    path = write(tmp_path, f"model_id,score\n{one},3\n{other},4\nnobody/nothing,5\n")
    found = read_labels(path, make_home())
    assert found.texts[0].card_text == text
    assert len(found.texts) == 2
    assert found.without_card == ("nobody/nothing",)


def test_a_card_hash_wins_over_a_text_that_passed_a_spreadsheet(
    tmp_path: Path, make_home: Callable[..., Path], demo_cards: list[tuple[str, str]]
) -> None:
    text = demo_cards[0][1]
    path = write(
        tmp_path, f"card_hash,card_text,score\n{digest(text)},spoilt,3\n{'0' * 64},kept,4\n{'1' * 64},,2\n"
    )
    found = read_labels(path, make_home())
    assert [t.card_text for t in found.texts] == [text, "kept"]
    assert found.without_card == ("1" * 12,)


def test_several_raters_give_a_median_and_a_matrix(tmp_path: Path) -> None:
    path = write(tmp_path, "card_text,score,rater\na,1,x\na,2,y\na,5,z\nb,4,x\n")
    found = read_labels(path, tmp_path)
    assert found.raters == ["x", "y", "z"]
    assert found.consensus("score").tolist() == [2, 4]
    assert np.isnan(found.matrix("score")[1]).tolist() == [False, True, True]


def test_a_rater_corrects_himself_but_rows_without_a_name_are_different_people(tmp_path: Path) -> None:
    named = read_labels(write(tmp_path, "card_text,score,rater\na,1,x\na,5,x\nb,2,x\nb,,x\n"), tmp_path)
    assert [(len(named.ratings), named.consensus("score").tolist())] == [(1, [5])]
    nameless = read_labels(write(tmp_path, f"{HEADER}a,1\na,5\n"), tmp_path)
    assert nameless.consensus("score").tolist() == [3]


def test_blank_rows_are_counted_and_unknown_columns_told(tmp_path: Path) -> None:
    path = write(tmp_path, "card_text,score,purpse\na,3,2\nb,,1\nc, ,\nd,NA,\ne,#N/A,\n")
    found = read_labels(path, tmp_path)
    assert (found.blank, found.ignored, len(found.texts)) == (4, ("purpse",), 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_spreadsheets_write_is_read(tmp_path: Path, delimiter: str) -> None:
    text = '\ufeff Card_Text ,SCORE\r\n"x","3,5"\r\n'.replace('",', f'"{delimiter}').replace(
        " ,", f" {delimiter}"
    )
    found = read_labels(write(tmp_path, text.replace("3;5", "3,5").replace("3\t5", "3,5")), tmp_path)
    assert found.consensus("score").tolist() == [3.5]


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    rows = {"card_text": ["a", "b", None], "score": [1.5, None, float("nan")], "rater": ["x", "y", "z"]}
    pl.DataFrame(rows, strict=False).write_parquet(tmp_path / "labels.parquet")
    path = write(tmp_path, "card_text,score,rater\na,1.5,x\nb,,y\n,,z\n")
    from_parquet, from_csv = (read_labels(p, tmp_path) for p in (tmp_path / "labels.parquet", path))
    assert from_parquet.ratings == from_csv.ratings
    assert from_parquet.digest == from_csv.digest
    assert from_parquet.blank == from_csv.blank == 2


def test_the_digest_knows_marks_and_raters_but_not_order_or_comments(tmp_path: Path) -> None:
    def of(text: str) -> str:
        return read_labels(write(tmp_path, text), tmp_path).digest

    one = of("card_text,score,rater\na,1,x\nb,2,x\n")
    assert one == of("comment,rater,card_text,score\nwell,x,b,2\n,x,a,1.0\n")
    assert (
        len({one, of("card_text,score,rater\na,1,y\nb,2,x\n"), of("card_text,score,rater\na,1,x\nb,3,x\n")})
        == 3
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no column identifies the card"),
        ("score\n3\n", "no column identifies the card"),
        ("card_text,rating\na,3\n", "no column has labels"),
        ("card_text,score,Score\na,3,3\n", "column 'score' occurs twice"),
        (f"{HEADER}a,3\nb,6\n", "line 3: score is '6'"),
        (f'{HEADER}"a\nb",3\nc,good\n', "line 4: score is 'good'"),
        (f"{HEADER}a,0.99\n", "score is '0.99'"),
        (f"{HEADER}a,{10**30}\n", "score is '1000"),
        (f"{HEADER}a,nan\n", "no row has a label"),
        (f"{HEADER}a,inf\n", "score is 'inf'"),
        (f"{HEADER}a,True\n", "score is 'True'"),
        (f"{HEADER}one, two,3\n", "line 2 has more cells"),
        (f"{HEADER},3\n", "line 2: no card is named; fill in card_text"),
        (f"{HEADER}a,\n", "no row has a label"),
        ("model_id,score\nada/one,3\n", "the warehouse has no card for any label (ada/one"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_place_and_remedy(
    tmp_path: Path, content: str, told: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(LabelsInvalid) as caught:
        read_labels(path, tmp_path / "nowhere")
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [-1, 4.5, 6, True, 1e300, "five", b"3", [3], float("inf"), None])
def test_a_parquet_value_is_a_mark_from_1_to_5_blank_or_refused(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "labels.parquet"
    pl.DataFrame({"card_text": ["a"], "score": [value]}).write_parquet(path)
    if value in (4.5, None):
        assert read_sheet(path).rows[0].marks == ({} if value is None else {"score": 4.5})
    else:
        with pytest.raises(LabelsInvalid, match="row 1: score is"):
            read_sheet(path)


@pytest.mark.parametrize("name", ["absent.csv", "absent.parquet"])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(LabelsInvalid, match="cannot be read"):
        read_sheet(tmp_path / name)


def test_a_csv_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("card_text,score\nGröße,3\n".encode("latin-1"))
    with pytest.raises(LabelsInvalid, match="not UTF-8"):
        read_sheet(tmp_path / "labels.csv")


@given(
    st.binary(max_size=400),
    st.sampled_from([".csv", ".parquet"]),
    st.sampled_from([b"", b"card_text,score\n"]),
)
def test_any_bytes_are_labels_or_invalid(content: bytes, suffix: str, before: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"labels{suffix}"
        path.write_bytes((b"PAR1" if suffix == ".parquet" else b"") + before + content)
        try:
            found = read_labels(path, Path(folder))
        except LabelsInvalid:
            return
    assert all(1 <= mark <= 5 for rating in found.ratings for mark in rating.marks.values())


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=5),
    st.integers(0, 2000),
)
def test_a_damaged_parquet_file_is_labels_or_invalid(damage: list[tuple[int, int]], kept: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "labels.parquet"
        pl.DataFrame({"card_text": ["a", "b"], "score": [1.0, 2.0], "rater": ["x", "y"]}).write_parquet(path)
        content = bytearray(path.read_bytes())
        for place, value in damage:
            content[place % len(content)] = value
        path.write_bytes(content[: kept or None])
        try:
            found = read_labels(path, Path(folder))
        except LabelsInvalid:
            return
    assert all(1 <= mark <= 5 for rating in found.ratings for mark in rating.marks.values())


@given(st.text(max_size=60))
def test_a_guarded_cell_is_no_formula_and_gives_the_text_back(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(guarded(text)) == text


def test_every_criterion_of_the_rubric_can_be_a_column(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["card_text", *subjects()], ["a", *range(1, 6), *[3] * (len(subjects()) - 5)]]
        )
    assert set(read_labels(path, tmp_path).ratings[0].marks) == set(subjects())
