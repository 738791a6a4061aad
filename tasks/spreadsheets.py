"""CSV as people and spreadsheets write it: encodings, separators, and numbers as they are written in many countries.

One reader for tables to analyse and for labels. What it cannot read for certain it refuses in one line with the remedy:
a guess would change figures, or the text that a label is about.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.cards.one_line import printable
from tasks.errors import TableInvalid

if TYPE_CHECKING:
    import _csv

    import polars as pl

# How people, R, pandas and spreadsheets write that a number is missing, in lower case.
MISSING = frozenset(
    {"", "na", "n/a", "nan", "<na>", "null", "none", "nil", "-", "--", "–", "—", ".", "?"}
    | {"#n/a", "#nv", "#na", "#null!", "#div/0!", "#value!", "#wert!", "#ref!", "#num!", "#name?"}
)
_DELIMITERS = ",;\t|"
_SNIFFED_CHARACTERS, _SNIFFED_RECORDS = 65_536, 20


@dataclass(frozen=True, slots=True)
class Csv:
    """A CSV file as text. `names` are those of the first line, on one line each, without blanks around them."""

    path: Path
    text: str
    encoding: str
    delimiter: str
    names: tuple[str, ...]
    has_blanks: bool  # behind its delimiters

    def records(self) -> Iterator[tuple[str, list[str]]]:
        """Each record below the first line with the line that it begins on; blank ones are left out.

        One that is too short has blanks at its end. Raises `TableInvalid` for one that is too long.
        """
        reader, width = _reader(self.text, self.delimiter, has_blanks=self.has_blanks), len(self.names)
        next(reader, None)
        while True:
            place = f"line {reader.line_num + 1}"
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise TableInvalid(f"{self.path}: {place}: {error}; save it as a CSV again") from error
            if cells is None:
                return
            if any(cell.strip() for cell in cells[width:]):
                raise TableInvalid(
                    f"{self.path}: {place} has more cells than the first line has names; put texts in quotes"
                )
            if any(cell.strip() for cell in cells):
                yield place, [*cells[:width], *[""] * (width - len(cells))]


def read_csv(path: Path) -> Csv:
    """Read a CSV file. Raises `TableInvalid` where it is none, or not in Unicode; OSError where it cannot be opened."""
    csv.field_size_limit(sys.maxsize)  # a card may be long
    text, encoding = _decoded(path)
    delimiter = ""
    if stated := re.match(r"sep=(.)[\r\n]+", text):  # the first line that Excel understands
        delimiter, text = stated[1], text[stated.end() :]
    delimiter = delimiter or _delimiter(text, path)
    try:
        names: list[str] = next(_reader(text, delimiter), [])
    except csv.Error as error:
        raise TableInvalid(f"{path}: line 1: {error}; save it as a CSV again") from error
    has_blanks = any(name.startswith(" ") for name in names[1:])
    if has_blanks:
        names = next(_reader(text, delimiter, has_blanks=True), [])
    return Csv(path, text, encoding, delimiter, tuple(printable(name).strip() for name in names), has_blanks)


def _reader(text: str, delimiter: str, *, has_blanks: bool = False) -> _csv.Reader:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=has_blanks)


def _delimiter(text: str, path: Path) -> str:
    """The character that cuts the first lines into equally many cells; of several, the one that makes most."""
    head = text[:_SNIFFED_CHARACTERS]

    def cuts(delimiter: str) -> tuple[bool, int]:
        try:
            widths = [len(cells) for cells in islice(_reader(head, delimiter), _SNIFFED_RECORDS) if cells]
        except csv.Error:
            return False, 0
        if len(head) < len(text) and len(widths) > 1:
            widths.pop()  # it may be cut off
        return widths[1:] == widths[:1] * (len(widths) - 1), widths[0] if widths else 0

    if path.suffix.lower() == ".tsv" and "\t" in head:
        return "\t"
    found = {delimiter: cuts(delimiter) for delimiter in _DELIMITERS if delimiter in head}
    found = {delimiter: (is_even, width) for delimiter, (is_even, width) in found.items() if width > 1}
    return max(found, key=lambda delimiter: found[delimiter], default=",")


# ------------------------------------------------------------------------------------------------- encodings

_MARKS = (  # those of UTF-32 begin like those of UTF-16
    *((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")),
    *((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
)
_OTHER_FORMATS = {
    b"PK\x03\x04": "an Excel or LibreOffice workbook; save it as 'CSV UTF-8'",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as 'CSV UTF-8'",
    b"PAR1": "a Parquet file; name it .parquet",
    b"\x1f\x8b": "compressed; unpack it",
}


def _decoded(path: Path) -> tuple[str, str]:
    """The text and its encoding."""
    raw = path.read_bytes()
    for magic, what in _OTHER_FORMATS.items():
        if raw.startswith(magic):
            raise TableInvalid(f"{path}: not a CSV but {what}")
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), None) or _without_mark(raw)
    try:
        return raw.decode(encoding), encoding
    except UnicodeDecodeError as error:
        if encoding not in ("utf-8", "utf-8-sig"):
            problem = f"begins as {encoding.upper()} but is not (byte {error.start})"
            raise TableInvalid(f"{path}: {problem}; save it as 'CSV UTF-8'") from error
        line = raw.count(b"\n", 0, error.start) + 1
        wrong = raw[error.start : error.start + 1]
        likely = wrong.decode("cp1252", errors="ignore")
        hint = f", “{likely}” in Windows-1252" if likely.isprintable() and likely else ""
        raise TableInvalid(
            f"{path}: not UTF-8 (line {line}: byte 0x{wrong.hex().upper()}{hint}); save it as 'CSV UTF-8', or convert "
            "it: iconv -f WINDOWS-1252 -t UTF-8"
        ) from error


def _without_mark(raw: bytes) -> str:
    """UTF-16 without its mark has a zero beside each letter of the first line."""
    head = raw[:200]
    zeros = (head[::2].count(0), head[1::2].count(0))
    if max(zeros) * 4 < len(head) or min(zeros):
        return "utf-8"
    return "utf-16-be" if zeros[0] else "utf-16-le"


# --------------------------------------------------------------------------------------------------- numbers

_GROUP_MARKS = " '’\u00a0\u2009\u202f"
_GROUPED = re.compile(rf"[-+]?\d{{1,3}}(?:[{_GROUP_MARKS}]\d{{3}})+(?:[.,]\d+)?")
_EXPONENT = r"(?:[eE][-+]?\d{1,3})?"
_WHOLE = re.compile(rf"[-+]?\d{{1,18}}{_EXPONENT}")  # longer ones are names
_EITHER = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}")  # 1,234 and 1.234
_POINT = re.compile(
    rf"[-+]?(?:(?:\d*\.\d+|\d+\.){_EXPONENT}|\d{{1,3}}(?:,\d{{3}})+\.\d*|\d{{1,3}}(?:,\d{{3}}){{2,}})"
)
_COMMA = re.compile(
    rf"[-+]?(?:(?:\d*,\d+|\d+,){_EXPONENT}|\d{{1,3}}(?:\.\d{{3}})+,\d*|\d{{1,3}}(?:\.\d{{3}}){{2,}})"
)


class NotNumbers(ValueError):
    """Why cells are not numbers, in words that follow the name of their column; `cell` is the first that is not."""

    def __init__(self, words: str, cell: str) -> None:
        super().__init__(words)
        self.cell = cell


def is_missing(cell: str) -> bool:
    """Whether a cell says that a number is missing."""
    return cell.strip().lower() in MISSING


def numbers(
    cells: Sequence[str], delimiter: str, columns: Iterable[Sequence[str]] = ()
) -> list[float | None]:
    """The numbers in a column's cells, null where one is missing. Raises `NotNumbers`.

    `1,234` and `1.234` are read as the column's other cells demand, else as those of the file's other `columns` of
    numbers, else, where a comma separates cells, as programs write them. Where none of it helps, they are refused.
    """
    plain_of, kinds = _kinds(cells)
    for cell, plain in plain_of.items():
        if kinds[plain] is None:
            words = f"holds text, not numbers, such as '{printable(cell[:40])}'"
            raise NotNumbers(f"{words}; write a number, or leave the cell blank", cell)
    mark = _decimal_mark(kinds, delimiter, columns)
    group = "," if mark == "." else "."
    found = {cell: float(plain.replace(group, "").replace(mark, ".")) for cell, plain in plain_of.items()}
    return [found.get(cell) for cell in cells]


def _kinds(cells: Iterable[str]) -> tuple[dict[str, str], dict[str, str | None]]:
    """Each distinct cell that is not missing without its group marks, and the decimal mark of each of these."""
    plain_of = {cell: _plain(cell) for cell in set(cells) if not is_missing(cell)}
    return plain_of, {plain: _mark_of(plain) for plain in plain_of.values()}


def _decimal_mark(kinds: Mapping[str, str | None], delimiter: str, columns: Iterable[Sequence[str]]) -> str:
    certain = _certain(kinds)
    unclear = sorted(plain for plain, kind in kinds.items() if kind == "either")
    has = {mark: next((plain for plain in unclear if mark in plain), "") for mark in ".,"}
    if len(certain) == 2 or (not certain and all(has.values())):
        comma, point = (next(p for p, k in kinds.items() if k in (m, "either") and m in p) for m in ",.")
        raise NotNumbers(
            f"mixes decimal commas and points ({comma} and {point}); write all in one way", point
        )
    if certain or not unclear:
        return next(iter(certain), ".")
    around = set().union(*(_certain(_kinds(column)[1]) for column in columns))
    if len(around) == 1:
        return around.pop()
    if delimiter == ",":
        return "."
    name = "point" if has["."] else "comma"
    raise NotNumbers(
        f"holds {unclear[0]}, whose {name} may be for decimals or for thousands; write no marks between thousands",
        unclear[0],
    )


def _certain(kinds: Mapping[str, str | None]) -> set[str]:
    """The decimal marks that a column of numbers must be written with; none of a column of text."""
    return set() if None in kinds.values() else {kind for kind in kinds.values() if kind in (".", ",")}


def _plain(cell: str) -> str:
    """The cell without blanks around it and marks between thousands, with an ordinary minus."""
    text = cell.strip().replace("−", "-")
    return text.translate(_NO_GROUPS) if _GROUPED.fullmatch(text) else text


_NO_GROUPS = dict.fromkeys(map(ord, _GROUP_MARKS))


def _mark_of(plain: str) -> str | None:
    """The decimal mark that a number is written with, `either` for 1,234, `none` for 7, null for what is no number."""
    if _WHOLE.fullmatch(plain):
        return "none"
    if _EITHER.fullmatch(plain):
        return "either"
    if _POINT.fullmatch(plain):
        return "."
    return "," if _COMMA.fullmatch(plain) else None


# -------------------------------------------------------------------------------------------------- formulas

# A spreadsheet runs a cell that begins with one of these, or, after an import, with their full-width forms.
_FORMULA = re.compile(r"['=+\-@\t\r\n＝＋－＠]")


def guarded(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula, with an apostrophe in front where needed."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell


def guarded_frame(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their texts and the names of their columns guarded."""
    import polars as pl

    for name, dtype in rows.schema.items():
        if dtype in (pl.String, pl.Categorical, pl.Enum):
            words = pl.col(name).cast(pl.String)
            is_formula = words.str.contains(f"^{_FORMULA.pattern}")
            rows = rows.with_columns(
                pl.when(is_formula).then(pl.lit("'") + words).otherwise(words).alias(name)
            )
    return rows.rename({name: guarded(name) for name in rows.columns})
