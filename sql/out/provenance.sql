-- One row: where $snapshot came from, how late it was read, who released it where it was suspicious, and which
-- judge, exactly, $fingerprint is.
select
    snapshots.*,
    days_late(snapshots.is_late, snapshots.snapshot, snapshots.started_at) as days_late,
    releases.released_at,
    releases.reason as release_reason,
    judges.* exclude (snapshot)
from base.snapshots
join base.judges using (snapshot)
left join base.releases using (snapshot)
where snapshots.snapshot = $snapshot and judges.fingerprint = $fingerprint;
