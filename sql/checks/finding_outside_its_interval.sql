-- An estimate lies inside its own interval.
select *
from base.findings
where estimate < ci_low - 1e-9 or estimate > ci_high + 1e-9;
