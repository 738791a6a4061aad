-- One row per shown snapshot that lists $model_id: its stats, and its score with the checks by the judge of that
-- snapshot's report, null where its card has none. fingerprint tells scores apart that are not comparable.
select
    panel.snapshot,
    panel.downloads,
    panel.likes,
    panel.card_status,
    panel.card_hash,
    report_judges.judge,
    report_judges.fingerprint,
    verdicts.score,
    coalesce(verdicts.passed, []) as passed,
    coalesce(verdicts.failed, []) as failed
from panel
left join base.report_judges using (snapshot)
left join base.verdicts
    on verdicts.card_hash = panel.card_hash and verdicts.fingerprint = report_judges.fingerprint
where panel.model_id = $model_id
order by panel.snapshot;
