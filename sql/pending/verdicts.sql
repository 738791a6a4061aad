-- One row a text of $snapshot without a verdict of $fingerprint, with the part of the lake that holds it.
select source.part, panel.card_hash
from panel
join (select card_hash, min(part) as part from base.reads where has_text group by card_hash) as source
    using (card_hash)
where panel.snapshot = $snapshot
    and panel.card_status = 'card'
    and not exists (
        from base.verdicts where verdicts.card_hash = panel.card_hash and verdicts.fingerprint = $fingerprint
    )
group by all
order by all;
