-- One row per model of $snapshot with a card, and its text; models that share one come one after another.
select panel.model_id, coalesce(panel.author, '') as author, texts.card_text
from base.panel
join base.texts using (card_hash)
where panel.snapshot = $snapshot and panel.card_status = 'card'
order by panel.card_hash, panel.model_id;
