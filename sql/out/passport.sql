-- One row per measure of $fingerprint: against the labels that it was compared with last, and of the cards that it was
-- tried on last without labels; none where there was neither.
with named as (
    select *, probe in ('evidence', 'invariance', 'sway') as is_label_free
    from passports
    where fingerprint = $fingerprint
)
select * exclude (is_label_free)
from named
qualify labels = first_value(labels) over (partition by is_label_free order by measured_at desc, labels)
order by is_label_free, probe, subject <> 'score', subject, measure <> 'quadratic_kappa', measure;
