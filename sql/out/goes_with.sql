-- One row per outcome and check that goes with it at equal controls in the latest snapshot, what holds after correction
-- alone: among the models of $library where that was estimated, and among all.
select
    outcome,
    substr(ingredient, length('check:') + 1) as check_id,
    if(stratum = 'all', 'all models', 'models of ' || substr(stratum, length('library=') + 1)) as among,
    estimate,
    ci_low,
    ci_high,
    n
from out_ingredients
where snapshot = (select max(snapshot) from out_ingredients)
    and estimator = 'spearman_given_controls'
    and stratum in ('all', 'library=' || coalesce($library, ''))
    and starts_with(ingredient, 'check:')
    and holds
    and estimate is not null
order by check_id, outcome, stratum <> 'all' desc;
