-- One row per kind of the map of $snapshot, the one with the most models first, with when it got its name.
select
    kinds.snapshot,
    kinds.kind,
    kinds.name,
    kinds.named_by,
    names.named_at,
    kinds.description,
    kinds.archetype,
    kinds.models,
    kinds.models_share,
    kinds.median_score,
    kinds.score_gap,
    kinds.stability,
    kinds.is_unstable,
    kinds.terms,
    kinds.example,
    kinds.x,
    kinds.y
from out_clusters as kinds
left join base.best_kind_names as names using (snapshot, kind)
where kinds.snapshot = $snapshot
order by kinds.models desc, kinds.kind;
