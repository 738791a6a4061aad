-- One row a library or format of $snapshot with at least 30 models: how its cards score, and how popular it is.
select
    dimension,
    stratum,
    count(*) as models,
    count(score) as scored,
    median(score) as median_score,
    count(*) filter (where card_status = 'none' or card_status = 'empty') / count(*) as cardless_share,
    median(downloads) as median_downloads,
    count(*) filter (where likes > 0) / count(*) as liked_share
from (
    select 'library' as dimension, coalesce(library_name, '(none)') as stratum, *
    from scores where snapshot = $snapshot and fingerprint = $fingerprint
    union all
    select 'format', model_format, *
    from scores where snapshot = $snapshot and fingerprint = $fingerprint
)
group by dimension, stratum
having count(*) >= 30
order by dimension, models desc, stratum;
