"""Labels joined to the texts that they are about, and the raters' marks of one text combined."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from tasks.arrays import Floats
from tasks.clock import utc_now
from tasks.errors import LabelsInvalid
from tasks.passport.attacks import card_text
from tasks.passport.sheet import LOWEST, LabelRow, Sheet, read_sheet, subjects
from tasks.records import CardLabel, CardText
from tasks.storage.warehouse import Warehouse, frame


@dataclass(frozen=True, slots=True)
class Rating:
    """One rater's marks of one text, from 1 to 5, by subject: `score` or a criterion's id."""

    card_hash: str
    rater: str
    marks: dict[str, float]


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts, each once, and their ratings. `blank`: rows without a mark; `without_card`: rows without a known text.

    `owners`: authors that the file names, by card hash; it may name none.
    """

    texts: tuple[CardText, ...]
    ratings: tuple[Rating, ...]
    blank: int = 0
    without_card: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    owners: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """16 hex digits over text, rater and marks of every rating; order and comments do not count."""
        rows = sorted([r.card_hash, r.rater, sorted(r.marks.items())] for r in self.ratings)
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]

    @property
    def raters(self) -> list[str]:
        """Names of those who labelled, sorted."""
        return sorted({rating.rater for rating in self.ratings})

    def matrix(self, subject: str) -> Floats:
        """Marks of a subject, texts x raters, NaN where a rater gave none."""
        rows = {text.card_hash: at for at, text in enumerate(self.texts)}
        columns = {rater: at for at, rater in enumerate(self.raters)}
        marks = np.full((len(rows), len(columns)), np.nan)
        for rating in self.ratings:
            if subject in rating.marks:
                marks[rows[rating.card_hash], columns[rating.rater]] = rating.marks[subject]
        return marks

    def consensus(self, subject: str) -> Floats:
        """The median of the raters' marks, one per text; NaN where nobody marked the subject."""
        return np.array([median([*row[~np.isnan(row)]] or [np.nan]) for row in self.matrix(subject)])


def labels_part(labelled: LabelledTexts) -> str:
    """Their part in the lake: the same labels are written once."""
    return f"labels/{labelled.digest}.parquet"


def card_labels(labelled: LabelledTexts) -> list[CardLabel]:
    """People's marks of each text and subject, as the lake keeps them, without the raters' names."""
    now = utc_now()
    rows = []
    for subject in subjects():
        raters = (~np.isnan(labelled.matrix(subject))).sum(axis=1)
        for text, mark, count in zip(labelled.texts, labelled.consensus(subject), raters, strict=True):
            if count:
                rows.append(CardLabel(text.card_hash, subject, float(mark), int(count), labelled.digest, now))
    return rows


def read_labels(path: Path, home: Path, lowest: int = LOWEST) -> LabelledTexts:
    """The labels of a file, `lowest` to 5, with their texts from the file or from the published warehouse of `home`.

    A row names its text by `card_hash`, else contains it as `card_text`, else names the card that `model_id` has in
    the latest snapshot. Of a named rater's labels of one text the last counts; rows without a rater's name count as
    one rater each. LabelsInvalid where no label is left.
    """
    sheet = read_sheet(path, lowest)
    texts = _texts(sheet.rows, home)
    known = [(row, text) for row, text in zip(sheet.rows, texts, strict=True) if text]
    ratings = [rating for rating in _ratings(known) if rating.marks]
    without_card = [
        _named(row) for row, text in zip(sheet.rows, texts, strict=True) if row.marks and not text
    ]
    if not ratings:
        raise LabelsInvalid(_nothing_left(sheet, without_card, home))
    rated = {rating.card_hash for rating in ratings}
    return LabelledTexts(
        texts=tuple({text.card_hash: text for _, text in known if text.card_hash in rated}.values()),
        ratings=tuple(ratings),
        blank=sum(not row.marks for row in sheet.rows),
        without_card=tuple(dict.fromkeys(without_card)),
        ignored=sheet.ignored,
        owners=_owners([(row, text) for row, text in known if text.card_hash in rated]),
    )


def _owners(rows: Sequence[tuple[LabelRow, CardText]]) -> dict[str, frozenset[str]]:
    """The authors of each text whose rows name one, or a model: its owner, or the model itself where it has none."""
    owners: dict[str, set[str]] = defaultdict(set)
    for row, text in rows:
        if owner := row.author or row.model_id.partition("/")[0]:
            owners[text.card_hash].add(owner)
    return {card_hash: frozenset(named) for card_hash, named in owners.items()}


def _ratings(rows: Sequence[tuple[LabelRow, CardText]]) -> list[Rating]:
    """One per text and rater, ordered by the first row of each text."""
    unnamed: dict[str, int] = defaultdict(int)
    latest: dict[tuple[str, str], Rating] = {}
    for row, text in rows:
        rater = row.rater
        if not rater and row.marks:
            unnamed[text.card_hash] += 1
            rater = f"#{unnamed[text.card_hash]}"
        if rater:
            latest[text.card_hash, rater] = Rating(text.card_hash, rater, row.marks)
    return list(latest.values())


def _texts(rows: Sequence[LabelRow], home: Path) -> list[CardText | None]:
    """The text of each row; null where it is unknown."""
    warehouse = Warehouse(home)
    asks = any(row.card_hash or not row.card_text.strip() for row in rows)
    if not asks or not warehouse.published.exists():
        return [card_text(row.card_text) if row.card_text.strip() else None for row in rows]
    with warehouse.read() as db:
        models = [row.model_id for row in rows if not row.card_hash and not row.card_text.strip()]
        hashes = dict(frame(db, "labels/model_cards", wanted=models).rows()) if models else {}
        keys = [row.card_hash for row in rows if row.card_hash] + list(hashes.values())
        known = dict(frame(db, "labels/card_texts", wanted=keys).rows()) if keys else {}
    return [_text(row, hashes, known) for row in rows]


def _text(row: LabelRow, hashes: dict[str, str], known: dict[str, str]) -> CardText | None:
    """A card hash identifies the text that was labelled; a spreadsheet may have changed the text in the file."""
    if row.card_hash in known:
        return CardText(row.card_hash, known[row.card_hash])
    if row.card_text.strip():
        return card_text(row.card_text)
    found = hashes.get(row.model_id) if not row.card_hash else None
    return CardText(found, known[found]) if found in known else None


def _named(row: LabelRow) -> str:
    return row.model_id or row.card_hash[:12] or row.place


def _nothing_left(sheet: Sheet, without_card: Sequence[str], home: Path) -> str:
    if not any(row.marks for row in sheet.rows):
        return f"{sheet.path}: no row has a label; fill in 'score' with numbers from 1 to 5"
    return (
        f"{sheet.path}: the warehouse has no card for any label ({', '.join(without_card[:3])}, …); take a snapshot "
        f"that holds them, name its folder with --home (now {home}), or add a column 'card_text'"
    )
