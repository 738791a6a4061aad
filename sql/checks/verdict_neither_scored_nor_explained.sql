-- A verdict has a score or a reason, never both, never neither.
select card_hash, fingerprint, score, reason
from base.verdicts
where (score is null) = (reason is null);
