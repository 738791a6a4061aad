-- One row per model of $wanted that has a card in the latest snapshot.
select model_id, card_hash from models where card_hash is not null and model_id in (select unnest($wanted));
