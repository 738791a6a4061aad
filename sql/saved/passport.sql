-- How far each judge can be trusted: what its passports say of the overall score, the newest first.
select
    concat(judge, ' ', left(fingerprint, 8)) as judge,
    probe,
    measure,
    n,
    round(estimate, 3) as estimate,
    round(ci_low, 3) as ci_low,
    round(ci_high, 3) as ci_high,
    measured_at::date as measured_on
from passports
where subject = 'score'
order by passports.judge, fingerprint, measured_at desc, probe, measure;
