-- Makes room: families are found anew when a snapshot's texts have changed.
delete from base.families
using (select distinct snapshot from read_parquet($parts)) as fresh
where families.snapshot = fresh.snapshot;
