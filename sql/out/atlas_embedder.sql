-- One row: who embedded the texts of the map of $snapshot.
select embedder from base.atlases where snapshot = $snapshot;
