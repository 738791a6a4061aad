-- One row per text of any week until $last on the map that was fitted on $fitted_on: its latest place.
select
    card_hash,
    place.x,
    place.y,
    place.kind,
    place.strength_share,
    is_last,
    was_there
from (
    select
        card_hash,
        max_by({x: x, y: y, kind: kind, strength_share: strength_share}, snapshot) as place,
        max(snapshot) = $last as is_last,
        min(snapshot) = $fitted_on as was_there
    from base.atlas_points
    where snapshot in (select snapshot from base.atlases where fitted_on = $fitted_on and snapshot <= $last)
    group by card_hash
)
order by card_hash;
