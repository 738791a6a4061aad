-- In a judged snapshot every model has a card, an empty card, none, or a failure.
select snapshot, model_id, card_status
from base.panel
where card_status = 'pending' and snapshot in (select snapshot from base.judges);
