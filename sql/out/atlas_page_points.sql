-- One row per model on the map of $snapshot, as the page shows it. Of more than $models_max: half of those shown are the
-- most downloaded, and the others are drawn from the rest, by a hash of their names, so that most stay from week to week.
select
    model_id, author, x, y, kind, score, downloads, likes, library_name, pipeline_tag, model_format, words
from (
    select *, row_number() over (order by downloads desc nulls last, model_id) <= $models_max // 2 as is_famous
    from base.atlas
    where snapshot = $snapshot
)
qualify row_number() over (order by is_famous desc, md5(model_id), model_id) <= $models_max
order by model_id;
