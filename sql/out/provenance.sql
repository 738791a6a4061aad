-- One row: where $snapshot came from and who, exactly, is $fingerprint.
select snapshots.*, judges.* exclude (snapshot)
from base.snapshots
join base.judges using (snapshot)
where snapshots.snapshot = $snapshot and judges.fingerprint = $fingerprint;
