-- One row per text of $snapshot that belongs to a family.
select card_hash, family from base.families where snapshot = $snapshot;
