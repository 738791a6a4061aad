-- An explanation has a level or a reason, never both, never neither.
select card_hash, fingerprint, criterion, level, reason
from base.explanations
where (level is null) = (reason is null);
