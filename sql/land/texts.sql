-- One row per distinct text among the parts of cards.
insert or ignore into base.texts by name
select card_hash, any_value(card_text) as card_text
from read_parquet($parts)
where card_text is not null
group by card_hash;
