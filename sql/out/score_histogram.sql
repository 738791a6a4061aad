-- One row per quarter-point bin of scores in $snapshot, as judged by $fingerprint; empty bins included. A bin holds
-- its lower end; the last holds 5 as well.
select
    (1 + bin * 0.25)::double as score_low,
    (1 + (bin + 1) * 0.25)::double as score_high,
    count(scores.model_id) as n
from range(16) as bins(bin)
left join base.scores
    on scores.snapshot = $snapshot
    and scores.fingerprint = $fingerprint
    and scores.score is not null
    and least(floor((scores.score - 1) / 0.25), 15) = bin
group by bin
order by bin;
