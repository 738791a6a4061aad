-- Makes room: a map is made anew when a snapshot's texts have changed.
delete from base.neighbours
using (select distinct snapshot from read_parquet($parts)) as fresh
where neighbours.snapshot = fresh.snapshot;
