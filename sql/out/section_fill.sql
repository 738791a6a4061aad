-- One row per popularity tier and section of $snapshot: the share of the tier's cards that fill the section.
-- Tiers are by rank of downloads among the listed models whose downloads are known: top 1 %, next 9 %, next 40 %,
-- the rest. Models with as many downloads are in one tier, the lower one where they straddle a border, so that no
-- tier but the last is ever larger than it says.
with ranked as (
    select card_hash, card_status, cume_dist() over (order by downloads desc) as place
    from base.panel
    where snapshot = $snapshot and downloads is not null
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
    where card_status = 'card'
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
group by described.tier, section
order by described.tier, section;
