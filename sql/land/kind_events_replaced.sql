-- Makes room: a map is made anew when a snapshot's texts have changed.
delete from base.kind_events
using (select distinct snapshot from read_parquet($parts)) as fresh
where kind_events.snapshot = fresh.snapshot;
