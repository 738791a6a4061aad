-- Makes room: a snapshot's findings are estimated anew when what they are estimated from has changed.
delete from out_findings
using (select distinct snapshot, fingerprint from read_parquet($parts)) as fresh
where out_findings.snapshot = fresh.snapshot and out_findings.fingerprint = fresh.fingerprint;
