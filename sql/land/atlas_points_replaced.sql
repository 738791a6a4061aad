-- Makes room: a map is made anew when a snapshot's texts have changed.
delete from base.atlas_points
using (select distinct snapshot from read_parquet($parts)) as fresh
where atlas_points.snapshot = fresh.snapshot;
