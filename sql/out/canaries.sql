-- One row: how $fingerprint last ordered the canaries; none where it was never tried.
select *
from canaries
where fingerprint = $fingerprint;
