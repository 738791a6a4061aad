-- One row per library or format of $snapshot with at least 30 models: how its cards score, and how popular it is.
-- Shares are of the models of which the answer is known.
select
    dimension,
    stratum,
    count(*) as models,
    count(score) as scored,
    median(score) as median_score,
    count(*) filter (where card_status in ('none', 'empty'))
    / nullif(count(*) filter (where card_status in ('card', 'none', 'empty')), 0) as cardless_share,
    median(downloads) as median_downloads,
    count(*) filter (where likes > 0) / nullif(count(likes), 0) as liked_share
from (
    select 'library' as dimension, coalesce(library_name, '(none)') as stratum, *
    from base.scores
    where snapshot = $snapshot and fingerprint = $fingerprint
    union all
    select 'format', model_format, *
    from base.scores
    where snapshot = $snapshot and fingerprint = $fingerprint
)
group by dimension, stratum
having count(*) >= 30
order by dimension, models desc, stratum;
