-- One row per estimate of $snapshot and $fingerprint.
select *
from base.findings
where snapshot = $snapshot and fingerprint = $fingerprint
order by question, outcome, predictor, stratum, estimator;
