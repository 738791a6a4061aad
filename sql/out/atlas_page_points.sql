-- One row a model on the map of $snapshot, as the page shows it.
select
    model_id, author, x, y, kind, score, downloads, likes, library_name, pipeline_tag, model_format, words
from base.atlas
where snapshot = $snapshot
order by model_id;
