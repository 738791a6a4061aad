"""A snapshot's judge gets a small passport without labels, once per fingerprint."""

from __future__ import annotations

from prefect import task

from tasks.boilerplate.tables import table_of
from tasks.judges import kind_of, opened_judge
from tasks.passport.metamorphic.examining import SEED, examine_evidence
from tasks.passport.metamorphic.sampling import texts_to_edit
from tasks.passport.passport import part_of
from tasks.records import JudgeSpec, PassportEntry
from tasks.settings import settings
from tasks.storage.warehouse import frame
from tasks.work.orders import Shared
from tasks.work.run import Run


def passport_texts(spec: JudgeSpec) -> int:
    """How many cards the settings have edited for a judge of this kind; 0 for none, as for one that may cost money."""
    limits, kind = settings(), kind_of(spec.kind)
    if kind.has_budget:
        return 0
    return limits.judge_passport_texts if kind.needs_servers else limits.passport_texts


@task(task_run_name="look for the passport of {run.snapshot}")
def needs_passport(run: Run, spec: JudgeSpec, fingerprint: str) -> bool:
    """Whether the judge has never been tried without labels, and the settings want it to be."""
    if not passport_texts(spec):
        return False
    with run.warehouse.open() as db:
        return bool(frame(db, "pending/passport", fingerprint=fingerprint).height)


@task(task_run_name="test the judge of {run.snapshot}")
def take_passport(run: Run, shared: Shared, fingerprint: str) -> None:
    """Edit real cards of the snapshot, have the judge score them, and record what it noticed."""
    spec = shared.spec or JudgeSpec()
    with run.warehouse.open() as db:
        count = passport_texts(spec)
        texts = texts_to_edit(db, count, snapshot=run.snapshot, fingerprint=fingerprint, seed=SEED)
    if not texts:
        return
    with opened_judge(spec, table_of(run.lake, shared.boilerplate)) as judge:
        entries = examine_evidence(judge, texts)
    run.lake.write(part_of(entries), PassportEntry, entries)
