-- One row per model whose card is near to that of $model_id on the latest map, the nearest first, at most $n: as
-- `placed_model` has it, with the cosine.
select
    near.place,
    near.similarity,
    atlas.model_id,
    atlas.author,
    atlas.score,
    atlas.likes,
    atlas.downloads,
    atlas.kind,
    atlas.kind_name,
    atlas.archetype,
    coalesce(verdicts.passed, []) as passed,
    coalesce(verdicts.failed, []) as failed,
    coalesce(facts.sections, []) as sections
from out_neighbours as near
join out_atlas as atlas on atlas.model_id = near.neighbour_id
left join base.verdicts
    on verdicts.card_hash = atlas.card_hash and verdicts.fingerprint = atlas.fingerprint
left join base.latest_facts as facts on facts.card_hash = atlas.card_hash
where near.model_id = $model_id
order by near.place
limit $n;
