-- A soft score has the log-odds and the soft levels that it is composed from.
select card_hash, fingerprint, score
from base.verdicts
where score_mode = 'soft'
    and (coalesce(cardinality(log_odds), 0) = 0 or coalesce(cardinality(soft_levels), 0) = 0);
