-- One row, none where it has no place there: $model_id on the latest map, with the checks that its card passes and
-- fails by the judge of the report, and the sections that it fills.
select
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
from out_atlas as atlas
left join base.verdicts
    on verdicts.card_hash = atlas.card_hash and verdicts.fingerprint = atlas.fingerprint
left join base.latest_facts as facts on facts.card_hash = atlas.card_hash
where atlas.model_id = $model_id;
