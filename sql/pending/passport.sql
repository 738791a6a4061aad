-- One row if $fingerprint is a judge's and was never tried without labels; else none.
select distinct fingerprint
from base.judges
where fingerprint = $fingerprint
    and not exists (from base.passports where passports.fingerprint = $fingerprint and probe = 'evidence');
