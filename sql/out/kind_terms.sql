-- One row a kind of the map of $snapshot: its terms.
select kind, terms from base.kinds where snapshot = $snapshot;
