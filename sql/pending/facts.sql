-- One row per text of $snapshot without facts of $facts_version by the table of $boilerplate, with the part of the lake that holds it.
select sources.part, panel.card_hash
from base.panel
join base.sources using (card_hash)
where panel.snapshot = $snapshot
    and panel.card_status = 'card'
    and not exists (
        from base.facts
        where facts.card_hash = panel.card_hash
            and facts.facts_version = $facts_version
            and facts.boilerplate = $boilerplate
    )
group by all
order by all;
