"""A snapshot's judge gets a small passport without labels, once per fingerprint."""

from __future__ import annotations

from prefect import task

from tasks.boilerplate.tables import table_of
from tasks.judges import JudgeKind, kind_of, opened_judge
from tasks.passport.metamorphic.examining import SEED, examine_evidence
from tasks.passport.metamorphic.sampling import texts_to_edit
from tasks.passport.passport import part_of
from tasks.records import JudgeSpec, PassportEntry
from tasks.settings import settings
from tasks.storage.warehouse import frame
from tasks.work.orders import Shared
from tasks.work.run import Run

_VERDICTS_PER_CARD = 60  # edits and attacks of one card, roughly
_CARDS_MIN = 3


def cards_wanted(spec: JudgeSpec, verdicts: int) -> int:
    """How many cards are edited for a judge of this kind that has given so many verdicts; 0 for none.

    What a judge model answers takes time, so its passport may take as long as its judging at most. One that is paid for
    gets none by itself.
    """
    return _cards_wanted(kind_of(spec.kind), verdicts)


def passport_verdicts(kind: JudgeKind, verdicts: int) -> int:
    """About how many verdicts the passport of such a judge takes, after so many on a snapshot."""
    return min(_cards_wanted(kind, verdicts), verdicts) * _VERDICTS_PER_CARD


def _cards_wanted(kind: JudgeKind, verdicts: int) -> int:
    limits = settings()
    if kind.has_budget:
        return 0
    if not kind.needs_servers:
        return limits.passport_texts
    cards = min(limits.judge_passport_texts, verdicts // _VERDICTS_PER_CARD)
    return cards if cards >= _CARDS_MIN else 0


@task(task_run_name="plan the passport of {run.snapshot}")
def plan_passport(run: Run, spec: JudgeSpec, fingerprint: str) -> int:
    """How many cards to edit for a judge that has never been tried without labels; 0 for one that has."""
    with run.warehouse.open() as db:
        found = frame(db, "pending/passport", fingerprint=fingerprint)["verdicts"].to_list()
    return cards_wanted(spec, found[0]) if found else 0


@task(task_run_name="test the judge of {run.snapshot}")
def take_passport(run: Run, shared: Shared, fingerprint: str, cards: int) -> None:
    """Edit real cards of the snapshot, have the judge score them, and record what it noticed."""
    with run.warehouse.open() as db:
        texts = texts_to_edit(db, cards, snapshot=run.snapshot, fingerprint=fingerprint, seed=SEED)
    if not texts:
        return
    with opened_judge(shared.spec or JudgeSpec(), table_of(run.lake, shared.boilerplate)) as judge:
        entries = examine_evidence(judge, texts)
    run.lake.write(part_of(entries), PassportEntry, entries)
