-- One row per outcome of $snapshot: Spearman's correlation of $fingerprint's scores with it, tied values sharing the
-- average of their ranks. Null where either never varies.
with known as (
    select outcome, score, value
    from (
        unpivot (
            select score, downloads, likes
            from base.scores
            where snapshot = $snapshot and fingerprint = $fingerprint and score is not null
        )
        on downloads, likes
        into name outcome value value
    )
),
ranked as (
    -- rank() gives all of a tie the lowest of their ranks: half the others' number brings it to the average.
    select
        outcome,
        rank() over (partition by outcome order by score)
        + (count(*) over (partition by outcome, score) - 1) / 2 as score_rank,
        rank() over (partition by outcome order by value)
        + (count(*) over (partition by outcome, value) - 1) / 2 as value_rank
    from known
)
select
    outcome,
    count(*) as n,
    case
        when min(score_rank) < max(score_rank) and min(value_rank) < max(value_rank)
            then corr(score_rank, value_rank)
    end as spearman
from ranked
group by outcome
order by outcome;
