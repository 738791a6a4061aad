-- One row per kind of the map that was fitted on $snapshot.
select kind, stability from base.kinds where snapshot = $snapshot;
