-- One row per kind on the map of $snapshot, as the page shows it.
select
    kind,
    coalesce(name, 'kind ' || kind) as name,
    coalesce(named_by, 'nobody') as name_by,
    coalesce(description, '') as description,
    archetype,
    models,
    models_share as share,
    median_score,
    median_downloads,
    median_likes,
    score_gap,
    stability,
    x,
    y
from out_clusters
where snapshot = $snapshot
order by models desc, kind;
