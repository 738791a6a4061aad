-- One row per measure of $snapshot as judged by $fingerprint: its value, null where there is nothing to measure it on;
-- n, of how many it is a share or a median; spread, the quartiles' distance where it is a median. Counts and quartiles
-- alone, so that the same rows give the same values to the last digit.
with models as (
    select * from base.panel where snapshot = $snapshot
),
scored as (
    select card_hash, score from base.scores
    where snapshot = $snapshot and fingerprint = $fingerprint and card_status = 'card'
),
described as (
    -- What two versions of the parser see cannot be compared.
    select facts.sections
    from (select distinct card_hash from models where card_status = 'card')
    join base.latest_facts as facts using (card_hash)
    where facts.facts_version = (select max(facts_version) from base.facts)
),
asked as (
    select count(*) as n, count(*) filter (where card_status = 'failed') as failed from models
    where card_status <> 'none'
),
unlisted as (
    select count(*) as n from base.list_failures where snapshot = $snapshot
),
counted as (
    select
        count(*) as n,
        count(*) filter (where card_status = 'card') as cards,
        count(downloads) as downloads,
        count(*) filter (where downloads = 0) as no_downloads,
        count(likes) as likes,
        count(*) filter (where likes = 0) as no_likes,
        count(created_at) as created_at,
        count(library_name) as library_name,
        count(pipeline_tag) as pipeline_tag
    from models
),
texts as (
    select count(distinct card_hash) as n, count(distinct card_hash) filter (where score is null) as unscored from scored
),
ranked as (
    select count(score) as n, median(score) as score, quantile_cont(score, 0.75) - quantile_cont(score, 0.25) as spread
    from scored
),
sections as (
    select unnest(sections) as section, (select count(*) from described) as n from described
),
shares as (
    select 'card_share' as measure, cards as part, n as whole from counted
    union all select 'filled:downloads', downloads, n from counted
    union all select 'filled:likes', likes, n from counted
    union all select 'filled:created_at', created_at, n from counted
    union all select 'filled:library_name', library_name, n from counted
    union all select 'filled:pipeline_tag', pipeline_tag, n from counted
    union all select 'zero:downloads', no_downloads, downloads from counted
    union all select 'zero:likes', no_likes, likes from counted
    union all select 'unlisted_share', unlisted.n, counted.n + unlisted.n from counted, unlisted
    union all select 'unread_share', failed, n from asked
    union all select 'unscored_share', unscored, n from texts
    union all select concat('section:', section), count(*), any_value(n) from sections group by section
)
select measure, part / nullif(whole, 0) as value, whole as n, null::double as spread from shares
union all select 'models', n, n, null from counted
union all select 'cards', cards, cards, null from counted
union all select 'median_score', score, n, spread from ranked
order by measure;
