-- Whoever has a card has its text.
select model_id, sha, card_hash
from base.reads
anti join base.texts using (card_hash)
where status = 'card';
