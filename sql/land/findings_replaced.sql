-- Makes room: a snapshot's findings are estimated anew when what they are estimated from has changed.
delete from base.findings
using (select distinct snapshot, fingerprint from read_parquet($parts)) as fresh
where findings.snapshot = fresh.snapshot and findings.fingerprint = fresh.fingerprint;
