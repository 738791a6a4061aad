-- One row, none in an empty home: what the latest snapshot held, of $selection where there is one. changed counts its
-- cards that were new or changed since the snapshot of the same selection before it, fresh their texts that this one
-- did not have; null where there is none. all_ counts are of the whole home.
with latest as (
    select snapshot, hub, selection, selection = $selection as is_same
    from snapshots
    where snapshot in (select snapshot from base.judges)
    order by is_same desc, snapshot desc
    limit 1
),
before as (
    select max(snapshots.snapshot) as snapshot
    from snapshots
    join latest using (selection)
    where snapshots.snapshot < latest.snapshot
),
held as (
    select panel.* from base.panel join latest using (snapshot)
),
earlier as (
    select panel.* from base.panel join before using (snapshot)
),
changed as (
    select
        count(*) as changed,
        count(distinct card_hash) filter (
            where card_status = 'card' and card_hash not in (select card_hash from earlier where card_hash is not null)
        ) as fresh
    from held
    where card_status <> 'none' and (model_id, sha) not in (select (model_id, sha) from earlier)
)
select
    latest.*,
    before.snapshot as compared_with,
    (select count(*) from held) as models,
    (select count(*) from held where card_status <> 'none') as cards,
    (select count(distinct card_hash) from held where card_status = 'card') as texts,
    case when before.snapshot is not null then changed.changed end as changed,
    case when before.snapshot is not null then changed.fresh end as fresh,
    (select sum(requests) from base.reads) as all_requests,
    (select count(*) from base.reads) as all_reads,
    (select count(*) from base.verdicts) as all_verdicts,
    (select count(*) from base.listing) as all_listed
from latest
cross join before
cross join changed;
