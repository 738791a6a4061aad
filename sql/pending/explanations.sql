-- One row per text of $snapshot to be explained by $fingerprint, with the part of the lake that holds it: $size texts,
-- spread evenly over the scores, less those that are explained already.
with scored as (
    select distinct card_hash, score
    from base.scores
    where snapshot = $snapshot and fingerprint = $fingerprint and score is not null
),
placed as (
    select card_hash, row_number() over (partition by round(score) order by card_hash) as place
    from scored
),
sample as (
    select card_hash
    from placed
    qualify row_number() over (order by place, card_hash) <= $size
)
select sources.part, sample.card_hash
from sample
join base.sources using (card_hash)
where not exists (
    from base.explanations
    where explanations.card_hash = sample.card_hash and explanations.fingerprint = $fingerprint
)
order by all;
