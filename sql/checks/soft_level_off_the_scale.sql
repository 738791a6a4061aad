-- Soft levels are between 1 and 5, and log-odds are finite.
select card_hash, fingerprint, soft_levels, log_odds
from base.verdicts
where (
        cardinality(soft_levels) > 0
        and (list_min(map_values(soft_levels)) >= 1 and list_max(map_values(soft_levels)) <= 5) is not true
    )
    or list_bool_or(list_transform(map_values(log_odds), lambda value: isnan(value) or isinf(value)));
