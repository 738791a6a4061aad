-- An expected score has the probabilities that it is the mean over.
select card_hash, fingerprint, score
from base.verdicts
where score_mode = 'expected' and (probabilities is null or cardinality(probabilities) = 0);
