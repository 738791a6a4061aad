-- One row per text of $wanted that the warehouse holds.
select card_hash, card_text from base.texts where card_hash in (select unnest($wanted));
