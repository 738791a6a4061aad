-- One row per text and its kind on the map of $snapshot.
select card_hash, kind from base.atlas_points where snapshot = $snapshot;
