-- One row per judge of the latest snapshot, the one that judged last first.
select judge, fingerprint
from base.current_judges
where snapshot = (select max(snapshot) from snapshots)
order by judged_at desc, fingerprint;
