-- One row per card that is typical of a kind on the map of $snapshot, at most $cards of each, the most typical first.
select points.kind, texts.card_text
from base.atlas_points as points
join base.texts using (card_hash)
where points.snapshot = $snapshot and points.kind is not null
qualify row_number() over (partition by points.kind order by points.strength_share desc, points.card_hash) <= $cards
order by points.kind, points.strength_share desc, points.card_hash;
