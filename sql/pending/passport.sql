-- One row if $fingerprint is a judge's and was never tried without labels, with the number of its verdicts; else none.
select distinct fingerprint, (select count(*) from base.verdicts where fingerprint = $fingerprint) as verdicts
from base.judges
where fingerprint = $fingerprint
    and not exists (from base.passports where passports.fingerprint = $fingerprint and probe = 'evidence');
