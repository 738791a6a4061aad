-- One row, none where there is none: the snapshot that the gate compares $snapshot with, the last one before it of the
-- same selection that was carried through and is not quarantined.
select snapshot
from base.snapshots
where snapshot < $snapshot
    and selection = (select selection from base.snapshots where snapshot = $snapshot)
    and snapshot in (select snapshot from base.findings)
    and snapshot not in (select snapshot from base.hidden)
order by snapshot desc
limit 1;
