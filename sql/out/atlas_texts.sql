-- One row per text of $snapshot that $embedder can place, in an order that stays, with the part that holds its vectors.
select distinct panel.card_hash, embeddings.part
from base.panel
join base.embeddings on embeddings.card_hash = panel.card_hash and embeddings.embedder = $embedder
where panel.snapshot = $snapshot and panel.card_status = 'card' and embeddings.passages > 0
order by panel.card_hash;
