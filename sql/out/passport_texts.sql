-- One row per text of $snapshot that a person wrote and that is not longer than $characters_max: one of its authors, and
-- as stratum its level by $fingerprint, or its fifth by length where that judge has scored none.
with written as (
    select
        panel.card_hash,
        min(coalesce(panel.author, panel.model_id)) as author,
        any_value(length(cards.card_text)) as characters,
        any_value(floor(verdicts.score + 0.5)::integer) as level
    from base.panel
    join cards using (card_hash)
    left join base.verdicts on verdicts.card_hash = panel.card_hash and verdicts.fingerprint = $fingerprint
    where panel.snapshot = $snapshot
        and panel.card_status = 'card'
        and not coalesce(cards.is_generated, false)
        and trim(cards.card_text) != ''
        and length(cards.card_text) <= $characters_max
    group by panel.card_hash
)
select
    card_hash,
    author,
    coalesce(level, ntile(5) over (order by characters, card_hash)::integer) as stratum
from written
where level is not null or not exists (from written where level is not null)
order by card_hash;
