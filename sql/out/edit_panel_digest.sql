-- One row: a digest of the snapshots that edits are followed through up to $snapshot, as judged by $fingerprint; null
-- for none.
select md5(string_agg(digest::varchar, '' order by snapshot)) as digest
from (
    select
        scores.snapshot,
        bit_xor(hash(
            model_id, author, created_at, downloads, downloads_all_time, likes, score, card_status, card_hash,
            selection
        )) as digest
    from base.scores
    join base.snapshots on snapshots.snapshot = scores.snapshot
    where scores.fingerprint = $fingerprint
        and scores.snapshot between $snapshot - interval 26 weeks and $snapshot
        -- Itself it is hidden as long as no gate has measured it.
        and (scores.snapshot = $snapshot or scores.snapshot not in (select snapshot from base.hidden))
    group by scores.snapshot
);
