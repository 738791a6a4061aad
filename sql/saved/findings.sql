-- Every estimate of the latest snapshot with its interval.
select question, outcome, stratum, estimator, n,
    round(estimate, 3) as estimate, round(ci_low, 3) as ci_low, round(ci_high, 3) as ci_high, flags
from out_findings
where snapshot = (select max(snapshot) from out_findings)
order by question, outcome, stratum, estimator;
