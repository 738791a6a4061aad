-- Makes room: a map is made anew when a snapshot's texts have changed.
delete from base.kinds
using (select distinct snapshot from read_parquet($parts)) as fresh
where kinds.snapshot = fresh.snapshot;
