-- What could not be processed in the latest snapshot, and why.
select stage, reason, count(*) as n, min(subject) as example
from failures
where snapshot = (select max(snapshot) from snapshots)
group by all
order by n desc, stage, reason;
