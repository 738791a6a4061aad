-- One row per text of the map of $snapshot: the words that it is found by.
select card_hash, words from base.atlas_points where snapshot = $snapshot;
