-- One row a popularity tier and section of $snapshot: the share of the tier's cards that fill the section.
-- Tiers are by rank of downloads among all listed models: top 1 %, next 9 %, next 40 %, the rest.
with ranked as (
    select
        card_hash,
        cume_dist() over (order by coalesce(downloads, 0) desc, model_id) as place
    from panel
    where snapshot = $snapshot
),
tiered as (
    select
        card_hash,
        case
            when place <= 0.01 then '1 top 1 %'
            when place <= 0.10 then '2 next 9 %'
            when place <= 0.50 then '3 next 40 %'
            else '4 the rest'
        end as tier
    from ranked
),
described as (
    select tiered.tier, cards.sections
    from tiered
    join cards using (card_hash)
    where cards.sections is not null
),
sections as (select distinct unnest(sections) as section from described)
select
    tier[3:] as tier,
    section,
    count(*) as n,
    count(*) filter (where list_contains(described.sections, section)) as n_filled,
    n_filled / n as fill_share
from described
cross join sections
group by all
order by min(described.tier), section;
