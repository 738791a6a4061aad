-- One row per measure that the gate took of $snapshot as judged by $fingerprint, the last time that it did.
select *
from base.gates
where snapshot = $snapshot and fingerprint = $fingerprint
qualify measured_at = max(measured_at) over ()
order by measure;
