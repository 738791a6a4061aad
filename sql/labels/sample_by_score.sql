-- One row per text of the latest snapshot that $fingerprint has scored: one of its authors, and its level as stratum.
select
    models.card_hash,
    min(coalesce(models.author, models.model_id)) as author,
    floor(any_value(verdicts.score) + 0.5)::integer as stratum
from models
join base.verdicts using (card_hash)
where verdicts.fingerprint = $fingerprint and verdicts.score is not null
group by models.card_hash
order by models.card_hash;
