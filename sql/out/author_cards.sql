-- One row per model of $author in the latest snapshot, the most downloaded first: its stats, and what its card passes
-- and fails by the report's judge; score is null and both lists are empty where it has no scorable card.
select
    models.model_id,
    models.downloads,
    models.likes,
    models.card_status,
    report_judges.judge,
    verdicts.score,
    coalesce(verdicts.passed, []) as passed,
    coalesce(verdicts.failed, []) as failed
from models
left join base.report_judges using (snapshot)
left join base.verdicts
    on verdicts.card_hash = models.card_hash and verdicts.fingerprint = report_judges.fingerprint
where models.author = $author
order by models.downloads desc nulls last, models.model_id;
