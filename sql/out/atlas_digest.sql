-- One row: a digest of the texts that the map of $snapshot is of, by $embedder and the methods of $version.
select md5(string_agg(card_hash, '' order by card_hash) || $embedder || $version) as digest
from (
    select distinct panel.card_hash
    from base.panel
    join base.embeddings on embeddings.card_hash = panel.card_hash and embeddings.embedder = $embedder
    where panel.snapshot = $snapshot and panel.card_status = 'card'
);
