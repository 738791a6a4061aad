-- One row per measure of the judge fitted last on the answers of $fingerprint, out of fold; none where none was fitted.
select
    fitted.judge,
    fitted.labels,
    fitted.texts,
    fitted.authors,
    measures.scorer,
    measures.measure,
    measures.estimate,
    measures.ci_low,
    measures.ci_high
from fitted_judges as fitted
join fitted_measures as measures using (fingerprint)
where fitted.base_fingerprint = $fingerprint and measures.probe = 'out_of_fold'
qualify fitted.fingerprint = first_value(fitted.fingerprint) over (order by fitted.fitted_at desc, fitted.fingerprint)
order by measures.measure, measures.scorer;
