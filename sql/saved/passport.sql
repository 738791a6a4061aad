-- How far each judge can be trusted: what its passports say of the overall score, with labels and without, the newest first.
select
    concat(judge, ' ', left(fingerprint, 8)) as judge,
    if(probe in ('evidence', 'invariance', 'sway'), 'without labels', 'with labels') as basis,
    probe,
    measure,
    subject,
    n,
    round(estimate, 3) as estimate,
    round(ci_low, 3) as ci_low,
    round(ci_high, 3) as ci_high,
    measured_at::date as measured_on
from passports
where subject = 'score' or probe in ('invariance', 'sway')
order by passports.judge, fingerprint, basis, measured_at desc, probe, subject <> 'score', subject, measure;
