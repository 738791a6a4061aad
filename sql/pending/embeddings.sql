-- One row per text of $snapshot that $embedder has not embedded, with the part of the lake that holds it. Texts that are
-- likely to share passages come together, because each is embedded once for those of a part.
select any_value(sources.part) as part, panel.card_hash
from base.panel
join base.sources using (card_hash)
left join cards using (card_hash)
where panel.snapshot = $snapshot
    and panel.card_status = 'card'
    and not exists (
        from base.embeddings where embeddings.card_hash = panel.card_hash and embeddings.embedder = $embedder
    )
group by panel.card_hash
order by any_value(cards.template) nulls last, min(panel.author) nulls last, panel.card_hash;
