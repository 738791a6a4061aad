"""The file that labels are written to: a CSV that grows by a line an answer, each safe on the disk at once."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from tasks.errors import LabelsInvalid
from tasks.passport.sheet import guarded, read_sheet, subjects
from tasks.records import CardText

SPREADSHEET_CELL_CHARACTERS = 32_000  # Excel holds 32,767 in a cell, and loses the rest without a word


def columns() -> tuple[str, ...]:
    """The columns of the file."""
    return ("card_hash", "rater", *subjects(), "labelled_at")


def labelled_by(path: Path, rater: str) -> list[str]:
    """Texts that the rater has labelled or skipped. LabelsInvalid where the file is not one of ours."""
    if not path.exists() or not path.stat().st_size:
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        if file.readline().strip() != ",".join(columns()):
            raise LabelsInvalid(
                f"{path}: has other columns than labels are kept in; name another file for the labels"
            )
    return list(dict.fromkeys(row.card_hash for row in read_sheet(path).rows if row.rater == rater))


def append(path: Path, card_hash: str, rater: str, marks: Mapping[str, float]) -> None:
    """Add an answer; without marks, that the text was skipped. A later answer on a text replaces the earlier one."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    row = [card_hash, guarded(rater), *(_shown(marks.get(subject)) for subject in subjects()), now]
    is_new = not path.exists() or not path.stat().st_size
    try:
        with path.open("ab") as file:
            file.write(_csv([columns(), row] if is_new else [row]))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise LabelsInvalid(f"{path}: cannot be written ({error.strerror}); name another file") from error


def export(path: Path, texts: Iterable[CardText], rater: str) -> None:
    """Write texts for a spreadsheet, with cells to be filled in. LabelsInvalid where the file exists already."""
    header = ("card_hash", "card_text", "rater", *subjects(), "comment")
    rows = [
        [text.card_hash, guarded(_fitting(text.card_text)), guarded(rater), *[""] * (len(subjects()) + 1)]
        for text in texts
    ]
    try:
        with path.open("xb") as file:
            # With a byte order mark Excel knows that it is UTF-8.
            file.write(b"\xef\xbb\xbf" + _csv([header, *rows]))
    except FileExistsError as error:
        raise LabelsInvalid(f"{path}: exists already; name another file, or remove it") from error
    except OSError as error:
        raise LabelsInvalid(f"{path}: cannot be written ({error.strerror}); name another file") from error


def take_in(sheet_path: Path, path: Path, rater: str) -> tuple[int, int]:
    """Add what was filled in in an exported file; returns rows taken and rows left blank."""
    sheet = read_sheet(sheet_path)
    filled = [row for row in sheet.rows if row.marks]
    for row in filled:
        if not row.card_hash:
            raise LabelsInvalid(
                f"{sheet_path}: {row.place} has no card_hash; take in what --export wrote, and give any other "
                "file to `cardiograph calibrate` as it is"
            )
    labelled_by(path, rater)  # is it one of ours?
    for row in filled:
        append(path, row.card_hash, row.rater or rater, row.marks)
    return len(filled), len(sheet.rows) - len(filled)


def _fitting(text: str) -> str:
    left = len(text) - SPREADSHEET_CELL_CHARACTERS
    if left <= 0:
        return text
    return f"{text[:SPREADSHEET_CELL_CHARACTERS]}\n\n[{left:,} more characters do not fit into a cell]"


def _shown(mark: float | None) -> str:
    return "" if mark is None else f"{mark:g}"


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode("utf-8", "replace")
