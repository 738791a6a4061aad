-- One row per distinct text of $snapshot, in an order that stays.
select card_hash, card_text
from base.texts
where card_hash in (select card_hash from base.panel where snapshot = $snapshot and card_status = 'card')
order by card_hash;
