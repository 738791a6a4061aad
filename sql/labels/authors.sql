-- One row per text of $wanted and author of a model that has it as its card in any snapshot; a model without one is its own.
select distinct card_hash, coalesce(author, model_id) as author
from base.panel
where card_hash in (select unnest($wanted))
order by card_hash, author;
