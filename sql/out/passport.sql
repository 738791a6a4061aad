-- One row per measure of $fingerprint against the labels that it was compared with last; none where it never was.
select *
from passports
where fingerprint = $fingerprint
qualify labels = first_value(labels) over (order by measured_at desc, labels)
order by probe, subject <> 'score', subject, measure <> 'quadratic_kappa', measure;
