"""Invented snapshots for the report's tests, filled by SQL: 30,000 models take a second."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from tasks.records import Finding

SNAPSHOT = date(2026, 11, 21)
FINGERPRINT = "f" * 64
JUDGE_MODEL, OLDER_JUDGE_MODEL = "a" * 16, "b" * 16

# Four models in five have a card; better cards have slightly more downloads, and most models have no like.
_FILL = """
    create temp table invented as
    select i, 1 + 4 * u ** 1.6 as score, i % 5 = 0 as is_cardless, i % 7 = 0 as is_shared,
        exp(1.5 + 0.45 * (4 * u ** 1.6) + 1.9 * z)::bigint as downloads,
        greatest(0, exp(-1.6 + 0.5 * (4 * u ** 1.6) + 1.3 * w))::bigint as likes,
        list_extract(['transformers', 'diffusers', 'stable-baselines3', null, $library],
            1 + (h % 5)::integer) as library
    from (
        select i, h,
            (h % 10007) / 10007.0 as u,
            ((hash(i, 1) % 1000) + (hash(i, 2) % 1000) + (hash(i, 3) % 1000) - 1500.0) / 500 as z,
            ((hash(i, 4) % 1000) + (hash(i, 5) % 1000) + (hash(i, 6) % 1000) - 1500.0) / 500 as w
        from (select i, hash(i) as h from range($n) as numbers(i))
    );
    insert into base.snapshots by name
    select $snapshot as snapshot, $hub as hub, $selection as selection, $n + 3 as listed,
        timestamp '2026-11-21 06:00' as started_at, timestamp '2026-11-21 06:40' as finished_at, false as is_late,
        $top_n as top_n, 'downloads' as top_by, [] as only_tags;
    insert into base.judges values
        ($snapshot, $fingerprint, $judge, 'r1', $checklist_model, null, '{}', '2026-11-21 07:00');
    insert into base.listing
    select $snapshot, concat($owner, i % 400, '/model-', i), concat($owner, i % 400), concat('sha', i),
        timestamp '2026-10-01' - to_days((i * 7 % 1200)::integer), '2026-10-02',
        downloads, null, likes, null, [$tag], library, $tag, null,
        not is_cardless, null, [], null
    from invented;
    insert into base.reads
    select $snapshot, concat($owner, i % 400, '/model-', i), concat('sha', i),
        case when i % 50 = 1 then 'failed' when i % 50 = 2 then 'empty' else 'card' end,
        null, case when i % 50 > 2 then if(is_shared, 'shared', concat('card', i)) end, true,
        case when i % 50 = 1 then $reason end, case when i % 50 = 1 then $detail end,
        true, 1, '2026-11-21 06:10', 'part'
    from invented where not is_cardless;
    create temp table texts as
    select card_hash, any_value(score) as score, any_value(i) as i
    from base.reads join invented on base.reads.sha = concat('sha', i)
    where card_hash is not null group by card_hash;
    insert into base.texts select card_hash, 'text' from texts;
    insert into base.facts
    select card_hash, 1, 't1', 900, 120, 90, 4, 1, 2, 0, 0, true, null, [],
        list_filter($sections, lambda name, place: hash(i, place) % 100 < score * 20 - place * 6), null, false, []
    from texts;
    insert into base.verdicts by name
    select card_hash, $judge as judge, $fingerprint as fingerprint, least(5, score) as score, 'checks' as score_mode,
        [] as passed, [] as failed, [] as flags
    from texts;
"""

# A judge model that scores the same texts half a point lower; an older one judged three hundred of them as well.
# Two parts ran side by side, three cards are explained, and there is a comparison with people.
_JUDGE_MODEL = """
    insert into base.snapshots by name
    select date '2026-11-14' as snapshot, $hub as hub, $selection as selection, 1 as listed,
        timestamp '2026-11-14 06:00' as started_at, timestamp '2026-11-14 06:40' as finished_at, false as is_late;
    insert into base.judges values
        ('2026-11-14', $older, $judge_model_name, 'r1', $model, 'old', '{}', '2026-11-14 07:00'),
        ($snapshot, $newer, $judge_model_name, 'r1', $model, null, $settings, '2026-11-21 08:00');
    insert into base.verdicts by name
    select card_hash, $judge_model_name as judge, $newer as fingerprint,
        if(i % 97 = 3, null, greatest(1, least(5, score - 0.5 + (hash(i, 9) % 100) / 100.0 - 0.5))) as score,
        if(i % 97 = 3, null, 'expected') as score_mode, [] as passed, [] as failed, [] as flags,
        if(i % 97 = 3, $reason, null) as reason, if(i % 97 = 3, $detail, null) as detail,
        900 as card_tokens, i % 20 = 4 as is_truncated
    from texts;
    insert into base.verdicts by name
    select card_hash, $judge_model_name as judge, $older as fingerprint, least(5, score + 0.1) as score,
        'expected' as score_mode, [] as passed, [] as failed, [] as flags
    from texts order by i limit 300;
    insert into base.judged_parts by name
    select $snapshot as snapshot, $newer as fingerprint, concat('part', n) as part, 300 as texts, 3 as failed,
        310 as requests, 450000 as tokens_in, 30000 as tokens_out, 2 as replicas, 20 as seconds,
        timestamp '2026-11-21 08:00' + to_seconds(5 * n) as started_at,
        timestamp '2026-11-21 08:00:20' + to_seconds(5 * n) as ended_at,
        map {'prefix_cache_queries': 100.0, 'prefix_cache_hits': 80.0} as metrics
    from range(2) as parts(n);
    insert into base.explanations by name
    select card_hash, $judge_model_name as judge, $newer as fingerprint, criterion, 2 as level,
        concat('as the card says ', $quote) as quote, criterion <> 'evaluation' as is_verbatim,
        concat('say more ', $quote) as improvement
    from (
        select card_hash from base.verdicts where fingerprint = $newer and score is not null order by card_hash limit 3
    ) cross join unnest(['quick_start', 'purpose', 'evaluation', concat('odd', $quote)]) as criteria(criterion);
    insert into base.passports by name
    select $newer as fingerprint, $judge_model_name as judge, 'l1' as labels, probe, measure, subject, 120 as n,
        estimate, estimate - 0.1 as ci_low, estimate + 0.1 as ci_high, $quote as detail,
        timestamp '2026-11-20 12:00' as measured_at
    from (values
        ('agreement', 'quadratic_kappa', 'score', 0.71), ('agreement', 'bias', 'score', -0.3),
        ('agreement', 'quadratic_kappa', 'purpose', 0.62), ('agreement', 'spearman', 'purpose', 0.6),
        ('agreement', 'bias', 'purpose', 0.02), ('raters', 'mean_pairwise_kappa', 'score', 0.8),
        ('consistency', 'share_identical', 'score', 0.98), ('padding', 'mean_rise', 'score', 0.05),
        ('attack', 'share_raised', 'score', 0.12), ('attack', 'share_flagged', 'score', 0.7),
        ('evidence', 'share_moved', 'score', 0.8), ('evidence', 'share_stirred', 'score', 0.02),
        ('evidence', 'share_moved', 'purpose', 0.9), ('evidence', 'share_stirred', 'purpose', 0.01),
        ('evidence', 'share_moved', 'evaluation', 0.7), ('evidence', 'level_difference', 'purpose', 1.2),
        ('evidence', 'share_moved', concat('edit:', $quote), 0.6), ('invariance', 'share_same', 'heading', 0.99),
        ('sway', 'standard_deviation', 'score', 0.1), ('sway', 'mean_rise', 'padding', 0.04),
        ('sway', 'mean_rise_sds', 'padding', 0.4),
        ('attack', 'share_raised', concat('family:', $quote), 0.2), ('attack', 'mean_rise', concat('a', $quote), 0.9)
    ) as entries(probe, measure, subject, estimate);
"""

Warehouse = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture(scope="session")
def invented_warehouse(
    empty_warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """`invented_warehouse(n, hostile=…, findings=…)`: a warehouse with one judged snapshot.

    `judge_model=True` adds a judge model's verdicts, an earlier one's, a passport and explanations. With `top_n`, the
    record says that so many were selected by downloads; without, that all models were.
    """
    folder = tmp_path_factory.mktemp("invented")
    opened: list[duckdb.DuckDBPyConnection] = []

    def make(
        n: int,
        *,
        hostile: str = "",
        findings: list[Finding] | None = None,
        judge_model: bool = False,
        top_n: int | None = None,
    ) -> duckdb.DuckDBPyConnection:
        db = duckdb.connect(shutil.copyfile(empty_warehouse, folder / f"invented-{len(opened)}.duckdb"))
        opened.append(db)
        for query in (_FILL + _JUDGE_MODEL * judge_model).split(";\n"):
            if query.strip():
                asked = set(re.findall(r"\$(\w+)", query))
                known = {name: value for name, value in _words(n, hostile, top_n).items() if name in asked}
                db.execute(query, known)
        _insert(db, findings or [])
        return db

    yield make
    for db in opened:
        db.close()


def _words(n: int, hostile: str, top_n: int | None) -> dict[str, object]:
    """The parameters of the statements; `hostile` replaces every name that comes from strangers."""
    sections = [
        "intended use",
        "quick start",
        "training data",
        "evaluation",
        "limitations",
        "license",
        "citation",
    ]
    return {
        "n": n,
        "top_n": top_n,
        "snapshot": SNAPSHOT,
        "fingerprint": FINGERPRINT,
        "hub": f"https://huggingface.co{hostile}",
        "selection": f"top {n} by downloads{hostile}",
        "judge": f"checklist{hostile}",
        "checklist_model": hostile or None,
        "owner": hostile or "owner-",
        "library": hostile or "timm",
        "tag": hostile or "text-generation",
        "reason": hostile or "gated",
        "detail": hostile or "403 of the Hub",
        "sections": [*sections, hostile] if hostile else sections,
        "newer": JUDGE_MODEL,
        "older": OLDER_JUDGE_MODEL,
        "judge_model_name": f"vllm:reader{hostile}",
        "model": f"org/reader{hostile}",
        "settings": json.dumps(
            {"engine": f"vllm 0.32.0{hostile}", "score_mode": "expected", "card_tokens_max": 6000}
        ),
        "quote": hostile or "a model of words",
    }


def _insert(db: duckdb.DuckDBPyConnection, findings: list[Finding]) -> None:
    names = list(Finding.__dataclass_fields__)
    rows = [[getattr(finding, name) for name in names] for finding in findings]
    if rows:
        places = ", ".join("?" * len(names))
        db.executemany(f"insert into base.findings ({', '.join(names)}) values ({places})", rows)  # noqa: S608


@pytest.fixture(scope="session")
def finding() -> Callable[..., Finding]:
    """A clear rank correlation over all models; every field can be set."""

    def make(**fields: object) -> Finding:
        usual: dict[str, object] = {
            "snapshot": SNAPSHOT,
            "judge": "checklist",
            "fingerprint": FINGERPRINT,
            "question": "rank_correlation",
            "outcome": "downloads",
            "predictor": "score",
            "stratum": "all",
            "estimator": "spearman",
            "n": 1000,
            "n_clusters": 400,
            "zero_share": 0.0,
            "estimate": 0.21,
            "ci_low": 0.15,
            "ci_high": 0.27,
            "p": 0.0001,
            "computed_at": datetime(2026, 11, 21, 8),  # UTC throughout, as in the warehouse
        }
        return Finding(**{**usual, **fields})  # type: ignore[arg-type]  # the tests say which fields

    return make
