"""The page's section on the judge: who it is, how fast it was, how far to trust it, and where others differ."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tasks.passport import reading
from tasks.records import JudgeRecord
from tasks.report.data import ReportData
from tasks.report.tables import ReportTable, disagreements_table, explained_tables, passport_table
from tasks.sentences.judges import other_judge_sentence, passport_sentence, sway_sentences
from tasks.sentences.numbers import count, duration, money, percent, rate, texts
from tasks.sentences.snapshots import cost_basis, cost_per_thousand
from tasks.settings import Settings

_MODES = {
    "expected": "The score kept is the mean over the probabilities that it gives the levels 1 to 5.",
    "decided": "The score kept is the level that it decided on.",
    "checks": "The score is composed from the checks that pass.",
}


@dataclass(frozen=True)
class JudgeSection:
    """What the template prints."""

    who: str
    identity: list[tuple[str, str]]
    figures: list[tuple[str, str, str]]
    asides: list[str]
    trust: list[str]
    has_passport: bool
    calibrate: str
    passport: list[ReportTable]
    others: list[str]
    disagreements: ReportTable | None
    explained: list[ReportTable]


def judge_section(data: ReportData, limits: Settings) -> JudgeSection:
    """Everything that the page says of the judge; prices come from the settings."""
    judge, judging = data.judge, data.judging
    said = [passport_sentence(judging.passport), *sway_sentences(judging.passport)]
    tables = reading.tables(judging.passport) if judging.passport else []
    return JudgeSection(
        who=_who(judge, judging.took["score_mode"]),
        identity=_identity(judge),
        figures=_figures(judging.took, limits),
        asides=_asides(judging.took, limits.gpu_hour_price),
        trust=said,
        has_passport=bool(judging.passport),
        calibrate="cardiograph calibrate labels.csv" + " --judge vllm" * bool(judge.model),
        passport=[passport_table(title, lines) for title, lines in tables],
        others=[other_judge_sentence(judge.judge, row) for row in judging.others.to_dicts()],
        disagreements=disagreements_table(judging.disagreements) if judging.disagreements.height else None,
        explained=explained_tables(judging.explanations),
    )


def _told_settings(judge: JudgeRecord) -> dict[str, Any]:
    """The judge's settings, as far as they can be read: they were written by whatever version judged."""
    try:
        told = json.loads(judge.settings)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _who(judge: JudgeRecord, mode: str | None) -> str:
    how = _MODES.get(mode or "", "")
    if not judge.model:
        return f"Rules look for what the rubric’s checks ask about; no model reads the cards. {how}".rstrip()
    return (
        f"An open-weights language model reads each card as data, never as instructions, answers every check of the "
        f"rubric about it and gives a score. {how}"
    ).rstrip()


def _identity(judge: JudgeRecord) -> list[tuple[str, str]]:
    told = _told_settings(judge)
    rows = [
        ("Judge", judge.judge),
        ("Judge model", judge.model),
        ("Revision", (judge.revision or "not stated") if judge.model else None),
        ("Engine", told.get("engine")),
        ("Score mode", told.get("score_mode")),
        ("Longest card", _tokens(told.get("card_tokens_max"))),
        ("Rubric", judge.rubric),
        ("Fingerprint", judge.fingerprint),
    ]
    return [(term, str(value)) for term, value in rows if value]


def _tokens(n: object) -> str | None:
    return f"{count(n)} tokens, of longer ones head and tail" if isinstance(n, int) else None


def _asides(took: dict[str, Any], price: float | None) -> list[str]:
    """Why a figure is missing."""
    if not took["texts"]:
        return [
            "No speed can be told: no judging was recorded for this snapshot, as where every card had a verdict."
        ]
    if took["replicas"] and price is None:
        return [
            "With CARDIOGRAPH_GPU_HOUR_PRICE set to the price of a GPU hour, the cost would stand here too."
        ]
    return []


def _figures(took: dict[str, Any], limits: Settings) -> list[tuple[str, str, str]]:
    """Number, what it counts, and a remark."""
    price, gpus = limits.gpu_hour_price, limits.judge_gpus
    return [*_speed(took), *_tokens_and_cost(took, price, gpus), *_quality(took)]


def _speed(took: dict[str, Any]) -> list[tuple[str, str, str]]:
    if not took["texts"]:
        return []
    servers = took["replicas"]
    by = f" on {count(servers)} server{'s' * (servers != 1)}" if servers else ""
    remark = f"{texts(took['texts'])} in {duration(took['busy_seconds'])}{by}"
    return [(rate(took["texts_per_second"]), "cards a second", remark)]


def _tokens_and_cost(
    took: dict[str, Any], price: float | None, gpus: int | None
) -> list[tuple[str, str, str]]:
    if not took["texts"] or not took["replicas"]:
        return []
    cached = took["cached_share"]
    cost = cost_per_thousand(took, price, gpus)
    speed = f"{percent(cached)} of prompts from a cache" if cached is not None else "read and written"
    figures = [
        (rate(took["tokens_per_second"]), "tokens a second", speed),
        (
            count(took["tokens_in_per_text"]),
            "tokens read a card",
            f"{count(took['tokens_out_per_text'])} written",
        ),
    ]
    if cost is not None:
        figures.append((money(cost), "cost of a thousand cards", cost_basis(took, price, gpus)))
    return figures


def _quality(took: dict[str, Any]) -> list[tuple[str, str, str]]:
    twice = f", {count(took['asked_twice'])} asked twice" if took["asked_twice"] else ""
    failed = (count(took["unscored"]), "cards without a score", f"of {count(took['verdicts'])} judged{twice}")
    if took["median_card_tokens"] is None:
        return [failed]
    shown = f"half have {count(took['median_card_tokens'])} tokens or less"
    return [(percent(took["truncated_share"]), "of cards cut to head and tail", shown), failed]
