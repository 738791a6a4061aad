-- Nothing is judged that was not read.
select card_hash, fingerprint
from base.verdicts
anti join base.texts using (card_hash);
