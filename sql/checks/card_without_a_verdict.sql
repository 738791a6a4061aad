-- A snapshot that has findings has a verdict, or the reason why there is none, for each of its card texts.
select distinct panel.snapshot, panel.card_hash, findings.fingerprint
from base.panel
join base.findings using (snapshot)
where panel.card_status = 'card'
    and not exists (
        from base.verdicts
        where verdicts.card_hash = panel.card_hash and verdicts.fingerprint = findings.fingerprint
    );
