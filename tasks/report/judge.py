"""The page's section on the judge: its identity, speed and agreement with people, and where others differ."""

from __future__ import annotations

import json
from typing import Any

from tasks.hub.source import model_pages
from tasks.passport import reading
from tasks.passport.metamorphic.reading import evidence_tables
from tasks.records import DEFAULT_JUDGE, JudgeRecord
from tasks.report.data import ReportData
from tasks.report.tables import disagreements_table, explained_tables, passport_table
from tasks.sentences.evidence import evidence_sentences
from tasks.sentences.judges import (
    abilities_words,
    canary_sentence,
    fitted_sentences,
    other_judge_sentence,
    passport_sentence,
    sway_sentences,
)
from tasks.sentences.numbers import count, duration, money, percent, rate, texts
from tasks.sentences.snapshots import cost_basis, cost_per_thousand
from tasks.settings import Settings

_MODES = {
    "expected": "The score is the mean over the probabilities that it gives the levels 1 to 5.",
    "decided": "The score is the level that it decided on.",
    "checks": "The score is composed from the checks that pass.",
}


def judge_section(data: ReportData, limits: Settings) -> dict[str, Any]:
    """What the template prints about the judge; prices come from the settings. Figures are number, unit and remark."""
    judge, judging = data.judge, data.judging
    kind = judge.judge.partition(":")[0]
    is_compared = not all(entry.is_label_free for entry in judging.passport)
    option = f" --judge {kind}" if kind != DEFAULT_JUDGE else ""
    return {
        "description": _description(judge, judging.took["score_mode"]),
        "identity": _identity(judge),
        "figures": [*_speed(judging.took, limits), *_quality(judging.took)],
        "asides": _asides(judging.took, limits.gpu_hour_price),
        "canaries": canary_sentence(judging.canaries),
        "noticed": evidence_sentences(judging.passport),
        "edited": [passport_table(title, lines) for title, lines in evidence_tables(judging.passport)],
        "try_out": f"cardiograph passport{option}",
        "trust": [passport_sentence(judging.passport), *sway_sentences(judging.passport)],
        "fitted": fitted_sentences(judging.fitted.to_dicts()),
        "has_passport": is_compared,
        "calibrate": f"cardiograph calibrate labels.csv{option}",
        "passport": [passport_table(title, lines) for title, lines in reading.tables(judging.passport)]
        if is_compared
        else [],
        "others": [other_judge_sentence(judge.judge, row) for row in judging.others.to_dicts()],
        "disagreements": disagreements_table(judging.disagreements, model_pages(data.hub))
        if judging.disagreements.height
        else None,
        "explained": explained_tables(judging.explanations),
    }


def _settings(judge: JudgeRecord) -> dict[str, Any]:
    """The judge's settings; empty where the version that judged wrote something else."""
    try:
        found = json.loads(judge.settings)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _description(judge: JudgeRecord, mode: str | None) -> str:
    how = _MODES.get(mode or "", "")
    if not judge.model:
        return f"Rules look for what the rubric’s checks ask about; no model reads the cards. {how}".rstrip()
    kind = "A" if "provider" in _settings(judge) else "An open-weights"
    return (
        f"{kind} language model reads each card as data, never as instructions, answers every check of the "
        f"rubric about it and gives a score. {how}"
    ).rstrip()


def _identity(judge: JudgeRecord) -> list[tuple[str, str]]:
    settings = _settings(judge)
    rows = [
        ("Judge", judge.judge),
        ("Judge model", judge.model),
        ("Revision", (judge.revision or "not stated") if judge.model else None),
        ("Engine", settings.get("engine")),
        ("What its server can do", abilities_words(judge.settings)),
        ("Score mode", settings.get("score_mode")),
        ("Longest card", _tokens(settings.get("card_tokens_max"))),
        ("Rubric", judge.rubric),
        ("Fingerprint", judge.fingerprint),
    ]
    return [(term, str(value)) for term, value in rows if value]


def _tokens(n: object) -> str | None:
    return f"{count(n)} tokens; longer cards are cut to head and tail" if isinstance(n, int) else None


def _asides(took: dict[str, Any], price: float | None) -> list[str]:
    """Why a figure is missing."""
    if not took["texts"]:
        return [
            "No speed is known: this snapshot has no record of judging, for example because every card had a verdict."
        ]
    if took["provider"]:
        return [] if took["spent"] is not None else [f"For the cost, {cost_basis(took, price, None)}."]
    if took["replicas"] and price is None:
        return ["With CARDIOGRAPH_GPU_HOUR_PRICE set to the price of a GPU hour, the cost is shown here too."]
    return []


def _speed(took: dict[str, Any], limits: Settings) -> list[tuple[str, str, str]]:
    """Cards per second, and of a judge model tokens and cost."""
    if not took["texts"]:
        return []
    servers, cached = took["replicas"], took["cached_share"]
    by = f" on {count(servers)} server{'s' * (servers != 1)}" if servers else ""
    remark = f"{texts(took['texts'])} in {duration(took['busy_seconds'])}{by}"
    figures = [(rate(took["texts_per_second"]), "cards per second", remark)]
    if servers:
        remark = f"{percent(cached)} of prompts from a cache" if cached is not None else "read and written"
        written = f"{count(took['tokens_out_per_text'])} written"
        figures.append((rate(took["tokens_per_second"]), "tokens per second", remark))
        figures.append((count(took["tokens_in_per_text"]), "tokens read per card", written))
    price, gpus = limits.gpu_hour_price, limits.judge_gpus
    if servers and (cost := cost_per_thousand(took, price, gpus)) is not None:
        figures.append((money(cost), "cost of a thousand cards", cost_basis(took, price, gpus)))
    return figures


def _quality(took: dict[str, Any]) -> list[tuple[str, str, str]]:
    twice = f", {count(took['asked_twice'])} asked twice" if took["asked_twice"] else ""
    failed = (count(took["unscored"]), "cards without a score", f"of {count(took['verdicts'])} judged{twice}")
    if took["median_card_tokens"] is None:
        return [failed]
    shown = f"half have {count(took['median_card_tokens'])} tokens or less"
    return [(percent(took["truncated_share"]), "of cards cut to head and tail", shown), failed]
