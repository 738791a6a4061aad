-- One row per suspicious measure of a quarantined snapshot, the latest snapshot first.
select snapshot, fingerprint, measure, value, before, low, high, measured_at, compared_with
from quarantined
order by snapshot desc, fingerprint, measure;
