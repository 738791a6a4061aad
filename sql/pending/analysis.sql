-- One row: who judged $snapshot; the judge of $fingerprint, or the last one where that is null.
select judge, fingerprint
from base.judges
where snapshot = $snapshot and ($fingerprint is null or fingerprint = $fingerprint)
order by judged_at desc, fingerprint
limit 1;
