-- One row per model of $model_ids that has a card in the latest snapshot: its text.
select models.model_id, texts.card_text
from models
join base.texts using (card_hash)
where models.model_id in (select unnest($model_ids::varchar[]))
order by models.model_id;
