-- One row if the judge $judge, or any of the model $model, was tried without labels as it judged last; else none.
with latest as (
    from base.judges
    where judge = $judge or model = $model
    order by judged_at desc
    limit 1
)
select fingerprint
from latest
where fingerprint in (select fingerprint from base.passports where probe = 'evidence');
