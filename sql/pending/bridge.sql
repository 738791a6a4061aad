-- One row per text of the snapshot before $snapshot, quarantined ones left out, that $fingerprint is to score too, so
-- that it can be compared with the judge of that snapshot: as many as make $size texts that both score, spread evenly over the old scores.
-- None where $fingerprint judged that snapshot itself. A judge of the name $judge is preferred for the comparison.
with before as (
    select max(snapshot) as snapshot
    from base.judges
    where snapshot < $snapshot and snapshot not in (select snapshot from base.hidden)
),
old as (
    select judges.fingerprint
    from base.judges
    join before using (snapshot)
    where $fingerprint not in (select judges.fingerprint from base.judges join before using (snapshot))
    order by judges.judge = $judge desc, judges.judged_at desc, judges.fingerprint
    limit 1
),
scored as (
    select distinct panel.card_hash, verdicts.score
    from base.panel
    join before using (snapshot)
    join base.verdicts using (card_hash)
    join old using (fingerprint)
    where panel.card_status = 'card' and verdicts.score is not null
),
compared as (
    select
        scored.*,
        exists (
            from base.panel
            where panel.snapshot = $snapshot and panel.card_status = 'card' and panel.card_hash = scored.card_hash
        ) or exists (
            from base.verdicts where verdicts.card_hash = scored.card_hash and verdicts.fingerprint = $fingerprint
        ) as is_shared
    from scored
),
candidates as (
    select card_hash, row_number() over (partition by round(score) order by card_hash) as place
    from compared
    where not is_shared
)
select sources.part, candidates.card_hash
from candidates
join base.sources using (card_hash)
qualify row_number() over (order by place, card_hash) <= $size - (select count(*) filter (where is_shared) from compared)
order by place, card_hash;
