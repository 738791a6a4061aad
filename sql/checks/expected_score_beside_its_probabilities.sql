-- An expected score is the mean over its probabilities.
select card_hash, fingerprint, score, probabilities
from base.verdicts
where score_mode = 'expected'
    and cardinality(probabilities) > 0
    and abs(
        score
        - list_sum(
            list_transform(map_entries(probabilities), lambda entry: try_cast(entry.key as double) * entry.value)
        )
    ) > 1e-3;
