-- One row per kind of the map of $snapshot: its terms.
select kind, terms from base.kinds where snapshot = $snapshot;
