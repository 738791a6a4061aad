"""Labelled texts with what a judge answered about them, their authors and near-copies, as the regression takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tasks.arrays import Floats
from tasks.cards.families import families
from tasks.errors import LabelsInvalid
from tasks.findings.sample import Codes
from tasks.fitted.evaluating import Material
from tasks.fitted.folds import joined
from tasks.fitted.weighing import Answers
from tasks.passport.labels import LabelledTexts
from tasks.records import CardText, Verdict
from tasks.rubric import Rubric, load_rubric
from tasks.storage.warehouse import Warehouse, frame

TEXTS_MIN = 10
LOG_ODDS_MAX = (
    8.0  # probabilities beyond 0.9997 differ by nothing that a judge model knows; the view clips them too
)
Kind = Literal["passed", "log_odds"]
Owners = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """The material of a fit. `without_author`: texts whose author is unknown; `unscored`: texts without an answer."""

    material: Material
    kind: Kind
    without_author: int
    unscored: int


def gathered(
    labelled: LabelledTexts, verdicts: Mapping[str, Verdict], owners: Owners, subject: str
) -> Gathered:
    """What can be learned from. LabelsInvalid where it is too little: see `check`."""
    kind = kind_of_answers(verdicts.values())
    usable = usable_texts(labelled, verdicts, subject, kind)
    groups = groups_of(usable, owners)
    marks = marks_of(labelled, usable, subject)
    check(marks, groups, subject)
    marked = int(np.count_nonzero(~np.isnan(labelled.consensus(subject))))
    return Gathered(
        material_of(usable, marks, groups, verdicts, kind),
        kind,
        without_author=sum(not owners.get(text.card_hash) for text in usable),
        unscored=marked - len(usable),
    )


def usable_texts(
    labelled: LabelledTexts, verdicts: Mapping[str, Verdict], subject: str, kind: Kind
) -> tuple[CardText, ...]:
    """The texts that have a mark of the subject, a score of the judge and answers of the kind."""
    marks = labelled.consensus(subject)
    return tuple(
        text
        for text, mark in zip(labelled.texts, marks, strict=True)
        if not np.isnan(mark)
        and (verdict := verdicts.get(text.card_hash)) is not None
        and verdict.score is not None
        and (kind == "passed" or verdict.log_odds)
    )


def marks_of(labelled: LabelledTexts, texts: Sequence[CardText], subject: str) -> Floats:
    """The raters' median mark of each text, rounded to halves: distinct marks are the levels, and few are enough."""
    consensus = labelled.consensus(subject)
    mark = {text.card_hash: at for text, at in zip(labelled.texts, consensus, strict=True)}
    return np.array([np.floor(2 * mark[text.card_hash] + 0.5) / 2 for text in texts])


def material_of(
    texts: Sequence[CardText], marks: Floats, groups: Codes, verdicts: Mapping[str, Verdict], kind: Kind
) -> Material:
    """The numbers of the texts, in their order."""
    found = [verdicts[text.card_hash] for text in texts]
    return Material(
        Answers(values_of(found, kind), direction_of(load_rubric())),
        np.array([verdict.score for verdict in found], np.float64),
        np.array([len(text.card_text.split()) for text in texts], np.float64),
        marks,
        groups,
    )


def kind_of_answers(verdicts: Iterable[Verdict]) -> Kind:
    """What is weighed: log-odds if the judge gives any, else whether a check passed."""
    return "log_odds" if any(verdict.log_odds for verdict in verdicts) else "passed"


def values_of(verdicts: Sequence[Verdict], kind: Kind) -> Floats:
    """The answers of each verdict to the rubric's checks (n x p); one that is missing is 0, in log-odds even."""
    checks = [check.id for check in load_rubric().checks]
    if kind == "passed":
        return np.array([[float(check in set(v.passed)) for check in checks] for v in verdicts])
    log_odds = np.array([[v.log_odds.get(check, 0.0) for check in checks] for v in verdicts])
    return np.asarray(np.clip(log_odds, -LOG_ODDS_MAX, LOG_ODDS_MAX), np.float64)


def direction_of(rubric: Rubric) -> Floats:
    """What passing each check adds to the rubric's score (p), in points."""
    total = sum(criterion.weight for criterion in rubric.criteria)
    return np.array(
        [
            4 * criterion.weight / total * check.weight / sum(own.weight for own in criterion.checks)
            for criterion in rubric.criteria
            for check in criterion.checks
        ]
    )


def groups_of(texts: Sequence[CardText], owners: Owners) -> Codes:
    """Texts that share an author or are nearly the same are in one group (0 to G - 1)."""
    return joined(keys_of(texts, owners))


def keys_of(texts: Sequence[CardText], owners: Owners) -> list[set[tuple[str, str]]]:
    """What each text may share with others: itself, its authors, its family of near-copies."""
    family = dict(families((text.card_hash, text.card_text) for text in texts))
    keys: list[set[tuple[str, str]]] = [
        {
            ("text", text.card_hash),
            *(("author", name.casefold()) for name in owners.get(text.card_hash, frozenset())),
        }
        for text in texts
    ]
    for text, own in zip(texts, keys, strict=True):
        if text.card_hash in family:
            own.add(("family", family[text.card_hash]))
    return keys


def check(marks: Floats, groups: Codes, subject: str) -> None:
    """Raise LabelsInvalid where weights cannot be learned, or not be tried on authors kept aside."""
    if len(marks) < TEXTS_MIN:
        raise LabelsInvalid(
            f"{len(marks)} texts have a label of '{subject}' and a score of the judge, and weights need {TEXTS_MIN} "
            "at least; label more, 50 or better 100"
        )
    if len(levels := np.unique(marks)) < 2:
        raise LabelsInvalid(
            f"all {len(marks)} texts are labelled {levels[0]:g} for '{subject}', and weights are learned from "
            "differences; label texts that are better or worse"
        )
    if groups.max() == 0:
        raise LabelsInvalid(
            f"all {len(marks)} texts are by one author, or nearly the same: how well weights agree on other "
            "authors' cards cannot be tried; label cards of ten authors or more"
        )
    for group in range(groups.max() + 1):
        if len(left := np.unique(marks[groups != group])) < 2:
            raise LabelsInvalid(
                f"without one author's texts all labels of '{subject}' are {left[0]:g}: what this author's cards have "
                "and what people like cannot be told apart; label other authors' cards of the other level"
            )


# ---------------------------------------------------------------------------------------------- from the warehouse


def owners_of(labelled: LabelledTexts, home: Path) -> Owners:
    """The authors of each labelled text: those that the file names and those of all models that have it as card."""
    owners: dict[str, frozenset[str]] = dict(labelled.owners)
    warehouse = Warehouse(home)
    if not warehouse.published.exists():
        return owners
    with warehouse.read() as db:
        known = frame(db, "labels/authors", wanted=[text.card_hash for text in labelled.texts])
    for card_hash, author in known.iter_rows():
        owners[card_hash] = owners.get(card_hash, frozenset()) | {author}
    return owners


def known_verdicts(texts: Iterable[CardText], fingerprint: str, home: Path) -> dict[str, Verdict]:
    """What the published warehouse has of a judge's answers on these texts."""
    warehouse = Warehouse(home)
    if not warehouse.published.exists() or not warehouse.is_current():
        return {}
    with warehouse.read() as db:
        rows = frame(db, "labels/answers", fingerprint=fingerprint, wanted=[text.card_hash for text in texts])
    return {
        row["card_hash"]: Verdict(
            *(row["card_hash"], row["judge"], fingerprint, row["score"], None, {}, row["passed"], [], []),
            reason=row["reason"],
            log_odds=dict(zip(row["asked"] or (), row["log_odds"] or (), strict=True)),
        )
        for row in rows.iter_rows(named=True)
    }
