-- One row per stage and reason in $snapshot, whoever judged, with up to three subjects to look at.
select
    stage,
    reason,
    count(*) as n,
    list(distinct subject order by subject)[1:3] as subjects,
    min(detail) as detail
from base.failures
where snapshot = $snapshot
group by stage, reason
order by n desc, stage, reason;
