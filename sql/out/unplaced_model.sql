-- One row, none where it was not listed: what is known of the card of $model_id in the snapshot of the latest map.
-- passages is null where the embedder of the map has not read the text.
select atlases.snapshot, panel.card_status, embeddings.passages
from atlases
join base.panel on panel.snapshot = atlases.snapshot
left join base.embeddings
    on embeddings.card_hash = panel.card_hash and embeddings.embedder = atlases.embedder
where atlases.snapshot = (select max(snapshot) from atlases) and panel.model_id = $model_id;
