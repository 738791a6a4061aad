-- What is explained was scored by the same judge.
select card_hash, fingerprint, criterion
from base.explanations
where not exists (
    from base.verdicts
    where verdicts.card_hash = explanations.card_hash
        and verdicts.fingerprint = explanations.fingerprint
        and verdicts.score is not null
);
