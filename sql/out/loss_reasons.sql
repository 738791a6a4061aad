-- One row per measure of the gate that counts losses, and reason: how many rows of the listing, cards and scores of
-- texts $snapshot lacks for it, as judged by $fingerprint; the most frequent of a measure first.
with losses as (
    select 'unlisted_share' as measure, reason, subject from base.list_failures where snapshot = $snapshot
    union all
    select 'unread_share', reason, subject from base.failures where snapshot = $snapshot and stage = 'read'
    union all
    select distinct 'unscored_share', verdicts.reason, verdicts.card_hash
    from base.panel
    join base.verdicts using (card_hash)
    where panel.snapshot = $snapshot
    and panel.card_status = 'card'
    and verdicts.fingerprint = $fingerprint
    and verdicts.score is null
)
select measure, coalesce(reason, 'unknown') as reason, count(*) as n
from losses
group by all
order by measure, n desc, reason;
