-- One row per reason for which $snapshot, as judged by $fingerprint, lacks what the gate's measure $measure counts:
-- rows of the listing, cards, or scores of texts; most frequent first.
with losses as (
    select 'unlisted_share' as measure, reason, subject from base.list_failures where snapshot = $snapshot
    union all
    select 'unread_share', reason, subject from base.failures where snapshot = $snapshot and stage = 'read'
    union all
    select distinct 'unscored_share', coalesce(verdicts.reason, 'unknown'), verdicts.card_hash
    from base.panel
    join base.verdicts using (card_hash)
    where panel.snapshot = $snapshot
    and panel.card_status = 'card'
    and verdicts.fingerprint = $fingerprint
    and verdicts.score is null
)
select reason, count(*) as n
from losses
where measure = $measure
group by reason
order by n desc, reason;
