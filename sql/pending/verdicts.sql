-- One row per text of $snapshot without a verdict of $fingerprint, with the part of the lake that holds it.
select sources.part, panel.card_hash
from base.panel
join base.sources using (card_hash)
where panel.snapshot = $snapshot
    and panel.card_status = 'card'
    and not exists (
        from base.verdicts where verdicts.card_hash = panel.card_hash and verdicts.fingerprint = $fingerprint
    )
group by all
order by all;
