-- One row per model of a sample of $snapshot, $models with a card, and its text: the same ones whenever it is asked.
select panel.model_id, coalesce(panel.author, '') as author, texts.card_text
from base.panel
join base.texts using (card_hash)
where panel.snapshot = $snapshot and panel.card_status = 'card'
order by hash(panel.model_id), panel.model_id
limit $models;
