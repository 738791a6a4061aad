-- One row, none where it is not in the latest snapshot: $model_id as listed, with its card text, null where it has none.
select
    models.snapshot,
    models.model_id,
    models.author,
    models.library_name,
    models.pipeline_tag,
    models.model_format,
    models.likes,
    models.downloads,
    models.card_status,
    texts.card_text
from models
left join base.texts using (card_hash)
where models.model_id = $model_id;
