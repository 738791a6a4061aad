"""CSV as spreadsheets, R and people write it: read right by all who read tables, or refused in one line."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.cli.app import main
from tasks.cards.one_line import printable
from tasks.errors import LabelsInvalid, TableInvalid
from tasks.findings.tables import analyse_table, read_table
from tasks.passport import diary
from tasks.passport.labels import read_labels
from tasks.spreadsheets import NotNumbers, numbers, read_csv

SHARED = Path(__file__).parents[3] / "shared" / "cases" / "tables"
ROWS = [(f"m{n}", 1 + (n * 7 % 40) / 10, (n * 37 % 900) * 100, "zoé" if n % 3 else "yan") for n in range(60)]
Write = Callable[[str], bytes]


def plain(separator: str = ",", mark: str = ".", group: str = "", *, quoted: bool = False) -> str:
    """The rows as a CSV file: name, score, downloads, owner."""

    def number(value: float) -> str:
        text = f"{value:,}".replace(",", "_").replace(".", mark).replace("_", group)
        return f'"{text}"' if quoted else text

    lines = [separator.join((name, number(score), number(n), owner)) for name, score, n, owner in ROWS]
    return "\n".join([separator.join(("name", "score", "downloads", "owner")), *lines, ""])


WRITTEN: dict[str, bytes] = {
    "as programs write it": plain().encode(),
    "with a byte order mark": codecs.BOM_UTF8 + plain().encode(),
    "by a German Excel": codecs.BOM_UTF8 + plain(";", ",").replace("\n", "\r\n").encode(),
    "by a German Excel, with thousands": codecs.BOM_UTF8 + plain(";", ",", ".").encode(),
    "by a French Excel": codecs.BOM_UTF8 + plain(";", ",", "\u202f").encode(),
    "by a Swiss Excel": plain(";", ".", "’").encode(),
    "by an English Excel, with thousands": plain(",", ".", ",", quoted=True).encode(),
    "as Unicode text": plain("\t").encode("utf-16"),
    "as Unicode text of the other order": codecs.BOM_UTF16_BE + plain("\t", ",").encode("utf-16-be"),
    "as UTF-16 without its mark": plain(";", ",").encode("utf-16-le"),
    "as UTF-32": plain().encode("utf-32"),
    "with a line that names the separator": b"sep=|\r\n" + plain("|").encode(),
    "by an old Mac": plain().replace("\n", "\r").encode(),
    "with blanks behind commas": plain(", ").encode(),
    "with blanks at the ends of lines": plain().replace("\n", "  \n").encode(),
    "with quotes around all": "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in plain().splitlines()
    ).encode(),
    "with empty columns and lines": plain().replace("\n", ",,\n").encode() + b",,,,,\n\n",
}


@pytest.mark.parametrize("how", WRITTEN)
def test_the_same_table_however_it_was_written_is_the_same(tmp_path: Path, how: str) -> None:
    (tmp_path / "t.csv").write_bytes(WRITTEN[how])
    table = read_table(tmp_path / "t.csv", ["name", "score", "downloads", "owner"])
    expected = pl.DataFrame(ROWS, schema=["name", "score", "downloads", "owner"], orient="row")
    assert table.cast({"score": pl.Float64, "downloads": pl.Int64}).equals(expected)
    findings = analyse_table(tmp_path / "t.csv", score="score", outcomes=["downloads"], cluster="owner")
    assert any(finding.n == len(ROWS) and finding.estimate is not None for finding in findings)


@pytest.mark.parametrize("how", WRITTEN)
def test_labels_are_read_by_the_same_reader(tmp_path: Path, how: str) -> None:
    text = WRITTEN[how]
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
        text = text.replace("name".encode(encoding), "card_text".encode(encoding))
        if encoding != "utf-8" and "card_text".encode(encoding) in text:
            break
    (tmp_path / "l.csv").write_bytes(text)
    found = read_labels(tmp_path / "l.csv", tmp_path)
    assert [t.card_text for t in found.texts] == [name for name, *_ in ROWS]
    assert found.consensus("score").tolist() == [score for _, score, *_ in ROWS]


@pytest.mark.parametrize(
    ("cells", "delimiter", "expected"),
    [
        (["1", "2.5", "-3", "+4", "1e3", ".5", "7."], ",", [1, 2.5, -3, 4, 1000, 0.5, 7]),
        (["1,5", "2", "0,125"], ";", [1.5, 2, 0.125]),
        (["1,234", "2,5"], ";", [1.234, 2.5]),
        (["1.234", "2,5"], ";", [1234, 2.5]),
        (["1,234", "2.5"], ",", [1234, 2.5]),
        (["1,234", "56"], ",", [1234, 56]),
        (["1,234,567", "1,234"], ";", [1234567, 1234]),
        (["1.234.567", "1.234"], ";", [1234567, 1234]),
        (["1.234.567,8"], ";", [1234567.8]),
        (["12 345", "1 234 567", "7"], ";", [12345, 1234567, 7]),
        (["12\u00a0345,5", "7"], ";", [12345.5, 7]),
        (["1'234.5", "1’234"], ",", [1234.5, 1234]),
        (["0,123", "4,567"], ";", [0.123, 4.567]),
        (["0.123", "4.567"], ";", [0.123, 4.567]),
        (["\u22121.5", " 2 "], ",", [-1.5, 2]),
        (["NA", "n/a", "", " ", "-", "#N/A", "#NV", "NaN", "null", "None", "3"], ",", [None] * 10 + [3]),
        ([], ",", []),
        (["", "NA"], ",", [None, None]),
    ],
)
def test_numbers_of_many_countries(cells: list[str], delimiter: str, expected: list[float | None]) -> None:
    assert numbers(cells, delimiter) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cells", "delimiter", "words"),
    [
        (["1", "two"], ",", "holds text, not numbers, such as 'two'"),
        (["12 %"], ",", "such as '12 %'"),
        (["1.2.3"], ",", "such as '1.2.3'"),
        (["12,34,567"], ",", "such as '12,34,567'"),
        (["1,5", "2.5"], ";", "mixes decimal commas and points (1,5 and 2.5)"),
        (["1,234", "1.234"], ";", "mixes decimal commas and points"),
        (["1,234", "5"], ";", "holds 1,234, whose comma may be for decimals or for thousands"),
        (["1.234", "5"], "\t", "holds 1.234, whose point may be for decimals or for thousands"),
        (["\x1b[31m1"], ",", "such as '�[31m1'"),
        (["12345678901234567890"], ",", "such as '12345678901234567890'"),
    ],
)
def test_what_is_no_number_or_two_is_said(cells: list[str], delimiter: str, words: str) -> None:
    with pytest.raises(NotNumbers) as caught:
        numbers(cells, delimiter)
    assert words in str(caught.value)


def test_an_unclear_number_is_read_as_the_other_columns_of_numbers_are() -> None:
    unclear = ["1.234", "12.345"]
    assert numbers(unclear, ";", [["x", "1,5"], ["2,5", "3,5"]]) == [1234, 12345]
    assert numbers(unclear, ";", [["2.5", "3.5"]]) == [1.234, 12.345]
    with pytest.raises(NotNumbers):
        numbers(unclear, ";", [["2.5"], ["2,5"]])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "name,score\nGröße,3\n".encode("cp1252"),
            "line 2: byte 0xF6, “ö” in Windows-1252); save it as 'CSV UTF-8'",
        ),
        ("name,score\n模型,3\n".encode("gb18030"), "not UTF-8 (line 2"),
        (b"PK\x03\x04...", "an Excel or LibreOffice workbook; save it as 'CSV UTF-8'"),
        (b"\x1f\x8b...", "compressed; unpack it"),
        (b"PAR1...", "a Parquet file; name it .parquet"),
        (b"\xff\xfea\x00b", "begins as UTF-16 but is not"),
        (b"likes,score,Score ,score\na,1,2,3\n", "column 'score' occurs twice"),
        (
            b"likes,score\n3,1, or 2\n",
            "line 2 has more cells than the first line has names; put texts in quotes",
        ),
        (b"likes,score\n1,1\n\n2,good\n", "the column score holds text, not numbers, such as 'good'"),
        (b"likes;score\n1;1,5\n2;2.5\n", "the column score mixes decimal commas and points (1,5 and 2.5)"),
        (b"na\x1b[31mme\x07,likes\n1,2\n", "no column score; it has na�[31mme�, likes"),
        (b"", "no column score"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_the_remedy(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    words: str,
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(TableInvalid) as caught:
        analyse_table(path, score="score", outcomes=["likes"])
    assert words in str(caught.value)
    monkeypatch.setattr(sys, "argv", ["cardiograph", "calibrate", str(path), "--home", str(tmp_path)])
    with pytest.raises(SystemExit):
        main()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.strip().isprintable()


def test_nothing_of_a_strangers_table_drives_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {
        "sco\x1b[31mre": [row[1] for row in ROWS],
        "likes": [row[2] for row in ROWS],
        "kind": ["evil\x1b]0;title\x07" if n % 2 else "good\u202e" for n in range(len(ROWS))],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "t.parquet")
    pl.DataFrame(rows).write_csv(tmp_path / "t.csv")
    for name in ("t.parquet", "t.csv"):
        words = f"analyse --table {tmp_path / name} --score sco�[31mre --outcome likes --strata kind --cluster kind"
        monkeypatch.setattr(sys, "argv", ["cardiograph", *words.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        printed = capsys.readouterr().out
        assert "evil�]0;title�" in printed.replace("\n", "")
        assert not {"\x1b", "\x07", "\u202e"} & set(printed)


def test_flags_text_and_long_numbers_keep_their_kind(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "flag,word,id,version,none\n"
        "TRUE,-,12345678901234567,1.5,\nfalse,a,12345678901234568,1.10.2,\n,NA,,,\n"
    )
    table = read_table(tmp_path / "t.csv", ["flag", "word", "id", "version", "none"])
    assert table.row(0) == (True, "-", 12345678901234567, "1.5", None)
    assert table.row(1) == (False, "a", 12345678901234568, "1.10.2", None)
    assert table.row(2) == (None, None, None, None, None)


def test_a_header_with_commas_does_not_hide_the_semicolons(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("score, 1 to 5;likes;owner, or team\n1,5;7;a\n2,5;8;b\n")
    assert read_csv(tmp_path / "t.csv").names == ("score, 1 to 5", "likes", "owner, or team")


def test_texts_of_labels_keep_their_blanks(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text('card_text,score\n"  # A\n\n  b, c\n",3\n  d ,4\n')
    found = read_labels(tmp_path / "l.csv", tmp_path)
    assert [t.card_text for t in found.texts] == ["  # A\n\n  b, c\n", "  d "]


def test_no_line_is_added_to_labels_that_a_spreadsheet_saved_in_another_form(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    diary.append(path, "0" * 64, "ada", {"score": 3})
    written = path.read_text()
    path.write_bytes(codecs.BOM_UTF8 + written.replace("\n", "\r\n").encode())
    assert diary.labelled_by(path, "ada") == ["0" * 64]
    for content in (written.replace(",", ";").encode(), written.encode("utf-16")):
        path.write_bytes(content)
        with pytest.raises(LabelsInvalid, match="no line can be added; save it as 'CSV UTF-8"):
            diary.labelled_by(path, "ada")
    path.write_text("a,b\n1,2\n")
    with pytest.raises(LabelsInvalid, match="does not have the columns of a labels file"):
        diary.labelled_by(path, "ada")


@given(st.binary(max_size=300), st.sampled_from([b"", b"score,likes\n", b"score;likes\n1,5;", b"sep=;\n"]))
def test_any_bytes_are_a_table_or_one_printable_line(content: bytes, before: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(before + content)
        try:
            read_table(path, ["score"])
        except TableInvalid as error:
            assert printable(str(error)) == str(error)


@given(st.lists(st.floats(-1e12, 1e12).map(lambda x: round(x, 2)), min_size=1, max_size=20))
def test_numbers_come_back_from_every_way_to_write_them(values: list[float]) -> None:
    expected = [value + 0.0 for value in values]
    for mark, group in ((".", ","), (",", "."), (",", "\u00a0"), (".", "'"), (".", ""), (",", "")):
        cells = [f"{v:,.2f}".replace(",", "_").replace(".", mark).replace("_", group) for v in values]
        assert numbers(cells, ";") == pytest.approx(expected)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize("name", ["bom_comma", "excel_de", "floats", "na", "spaces", "thousands", "utf16"])
def test_the_shared_tables_are_read(name: str) -> None:
    outcome = "downloads" if name in ("floats", "thousands") else "likes"
    table = read_table(SHARED / f"{name}.csv", ["score", outcome, "owner"])
    assert table.schema["score"] == pl.Float64
    assert table.schema[outcome].is_numeric()
    assert table["score"].drop_nulls().is_between(1, 5).all()
    assert table["owner"].str.len_chars().max() == 1
