-- What in a card goes with popularity at equal controls: over all models of the latest snapshot, and by library.
select
    outcome,
    if(stratum = 'all', '(all)', substr(stratum, length('library=') + 1)) as library,
    ingredient,
    round(estimate, 3) as estimate,
    round(ci_low, 3) as ci_low,
    round(ci_high, 3) as ci_high,
    round(p_adjusted, 4) as p_adjusted,
    holds,
    n
from out_ingredients
where snapshot = (select max(snapshot) from out_ingredients)
    and estimator = 'spearman_given_controls'
    and (stratum = 'all' or starts_with(stratum, 'library='))
    and estimate is not null
order by outcome, stratum <> 'all', library, estimate desc, ingredient;
