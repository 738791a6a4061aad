-- One row per text among $hashes.
select card_hash, card_text
from base.texts
where card_hash in (select unnest($hashes::varchar[]))
order by card_hash;
