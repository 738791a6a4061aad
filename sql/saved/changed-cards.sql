-- Models whose score changed between the last two snapshots, by the same judge.
with weeks as (
    select distinct snapshot from snapshots order by snapshot desc limit 2
),
two as (
    select scores.* from scores semi join weeks using (snapshot) where score is not null
)
select
    now.model_id,
    now.judge,
    round(before.score, 2) as score_before,
    round(now.score, 2) as score_now,
    round(now.score - before.score, 2) as change,
    now.likes - before.likes as likes_gained
from two as now
join two as before using (model_id, fingerprint)
where now.snapshot > before.snapshot and now.card_hash <> before.card_hash
order by abs(change) desc, now.model_id
limit 50;
