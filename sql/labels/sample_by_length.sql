-- One row per text of the latest snapshot that holds anything: one of its authors, and its fifth by length as stratum.
select
    models.card_hash,
    min(coalesce(models.author, models.model_id)) as author,
    ntile(5) over (order by length(any_value(texts.card_text)), models.card_hash)::integer as stratum
from models
join base.texts using (card_hash)
where trim(texts.card_text) != ''
group by models.card_hash
order by models.card_hash;
