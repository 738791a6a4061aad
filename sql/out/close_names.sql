-- One row per model of the latest map whose name, with or without its owner, is like $typed; at most 50, the most alike
-- first.
select model_id
from out_atlas
order by
    greatest(
        jaro_winkler_similarity(lower(model_id), lower($typed)),
        jaro_winkler_similarity(lower(split_part(model_id, '/', -1)), lower($typed))
    ) desc,
    model_id
limit 50;
