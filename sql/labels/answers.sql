-- One row per text of $wanted that $fingerprint has judged: its score, null for none, and its answers.
select
    card_hash,
    judge,
    score,
    passed,
    map_keys(log_odds) as asked,
    map_values(log_odds) as log_odds,
    reason
from base.verdicts
where fingerprint = $fingerprint and card_hash in (select unnest($wanted));
