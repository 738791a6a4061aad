-- Probabilities are of the levels 1 to 5, and add up to one.
select card_hash, fingerprint, probabilities
from base.verdicts
where cardinality(probabilities) > 0
    and (
        abs(list_sum(map_values(probabilities)) - 1) < 1e-3
        and list_min(map_values(probabilities)) >= 0
        and list_has_all(['1', '2', '3', '4', '5'], map_keys(probabilities))
    ) is not true;
