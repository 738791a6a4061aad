"""The file that labels are written to: a CSV that grows by one line per answer, each on the disk at once."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal

from tasks.errors import LabelsInvalid, TableInvalid
from tasks.passport.sheet import read_sheet, subjects
from tasks.records import CardText
from tasks.spreadsheets import guarded, read_csv

SPREADSHEET_CELL_CHARACTERS = 32_000  # Excel holds 32,767 in a cell, and silently drops the rest


def columns() -> tuple[str, ...]:
    """The columns of the file."""
    return ("card_hash", "rater", *subjects(), "labelled_at")


def labelled_by(path: Path, rater: str) -> list[str]:
    """Texts that the rater has labelled or skipped. LabelsInvalid where the file is not one of ours."""
    if not path.exists() or not path.stat().st_size:
        return []
    _check_form(path)
    return list(dict.fromkeys(row.card_hash for row in read_sheet(path).rows if row.rater == rater))


def _check_form(path: Path) -> None:
    """Raise unless a line can be added: it has our columns, and no spreadsheet has saved it in another form."""
    try:
        table = read_csv(path)
    except TableInvalid as error:
        raise LabelsInvalid(str(error)) from error
    if table.names != columns():
        raise LabelsInvalid(
            f"{path}: does not have the columns of a labels file; name another file for the labels"
        )
    if table.delimiter != "," or not table.encoding.startswith("utf-8"):
        raise LabelsInvalid(
            f"{path}: was saved with other separators or in another encoding, so no line can be added; save it as "
            "'CSV UTF-8 (comma delimited)', or name another file for the labels"
        )


def append(path: Path, card_hash: str, rater: str, marks: Mapping[str, float]) -> None:
    """Add an answer; no marks: the text was skipped. A later answer about a text replaces an earlier one."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    cells = [f"{marks[subject]:g}" if subject in marks else "" for subject in subjects()]
    row = [card_hash, guarded(rater), *cells, now]
    is_new = not path.exists() or not path.stat().st_size
    with _opened(path, "ab") as file:
        file.write(_csv([columns(), row] if is_new else [row]))
        file.flush()
        os.fsync(file.fileno())


def export(path: Path, texts: Iterable[CardText], rater: str) -> None:
    """Write texts for a spreadsheet, with cells to fill in. LabelsInvalid where the file exists already."""
    header = ("card_hash", "card_text", "rater", *subjects(), "comment")
    rows = [
        [text.card_hash, guarded(_fitting(text.card_text)), guarded(rater), *[""] * (len(subjects()) + 1)]
        for text in texts
    ]
    with _opened(path, "xb") as file:
        # The byte order mark tells Excel that it is UTF-8.
        file.write(b"\xef\xbb\xbf" + _csv([header, *rows]))


@contextmanager
def _opened(path: Path, mode: Literal["ab", "xb"]) -> Iterator[BinaryIO]:
    try:
        with path.open(mode) as file:
            yield file
    except FileExistsError as error:
        raise LabelsInvalid(f"{path}: exists already; name another file, or remove it") from error
    except OSError as error:
        raise LabelsInvalid(f"{path}: cannot be written ({error.strerror}); name another file") from error


def take_in(sheet_path: Path, path: Path, rater: str) -> tuple[int, int]:
    """Add the answers of an exported file that was filled in; returns rows added and rows left blank."""
    sheet = read_sheet(sheet_path)
    filled = [row for row in sheet.rows if row.marks]
    for row in filled:
        if not row.card_hash:
            raise LabelsInvalid(
                f"{sheet_path}: {row.place} has no card_hash; --import takes files that --export wrote; pass "
                "any other file to `cardiograph calibrate` directly"
            )
    labelled_by(path, rater)  # raises where it is not a labels file
    for row in filled:
        append(path, row.card_hash, row.rater or rater, row.marks)
    return len(filled), len(sheet.rows) - len(filled)


def _fitting(text: str) -> str:
    left = len(text) - SPREADSHEET_CELL_CHARACTERS
    note = f"\n\n[{left:,} more characters do not fit into a cell]" if left > 0 else ""
    return f"{text[:SPREADSHEET_CELL_CHARACTERS]}{note}"


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode("utf-8", "replace")
