-- One row per judge beside $fingerprint that scored at least 30 of the same texts, up to $snapshot: one of the same
-- snapshot's panel, or an earlier one, compared over what both scored (a bridge). Differences are this less the
-- other; at most eight judges, the latest first. Spearman is null where either never varies.
with mine as (
    select card_hash, score from base.verdicts where fingerprint = $fingerprint and score is not null
),
others as (
    select
        fingerprint,
        any_value(judge) as judge,
        any_value(model) as model,
        fingerprint in (select fingerprint from base.current_judges where snapshot = $snapshot) as is_panel,
        max(snapshot) as last_snapshot,
        max(judged_at) as judged_at
    from base.judges
    where snapshot <= $snapshot and fingerprint <> $fingerprint
    group by fingerprint
    qualify row_number() over (order by is_panel desc, max(judged_at) desc, fingerprint) <= 8
),
paired as (
    select theirs.fingerprint, mine.score, theirs.score as other_score
    from base.verdicts as theirs
    join mine using (card_hash)
    where theirs.score is not null and theirs.fingerprint in (select fingerprint from others)
),
ranked as (
    -- rank() gives all of a tie the lowest of their ranks: half the others' number brings it to the average.
    select
        *,
        rank() over (partition by fingerprint order by score)
        + (count(*) over (partition by fingerprint, score) - 1) / 2 as score_rank,
        rank() over (partition by fingerprint order by other_score)
        + (count(*) over (partition by fingerprint, other_score) - 1) / 2 as other_rank
    from paired
),
compared as (
    select
        fingerprint,
        count(*) as n,
        avg(score - other_score) as mean_difference,
        stddev_samp(score - other_score) / sqrt(count(*)) as standard_error,
        case
            when min(score) < max(score) and min(other_score) < max(other_score) then corr(score_rank, other_rank)
        end as spearman,
        count(*) filter (where abs(score - other_score) <= 0.5) / count(*) as within_half_share
    from ranked
    group by fingerprint
    having count(*) >= 30
)
select
    case when others.is_panel then 'panel' else 'bridge' end as relation,
    others.judge,
    compared.fingerprint,
    others.model,
    others.last_snapshot,
    (select min(snapshot) from base.judges where fingerprint = $fingerprint) as first_snapshot,
    compared.* exclude (fingerprint)
from compared
join others using (fingerprint)
order by relation desc, others.judged_at desc, fingerprint;
