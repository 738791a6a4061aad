-- One row per model of $model_ids with a verdict of the report's judge in the latest snapshot: what its card passes.
select leaderboard.model_id, leaderboard.score, verdicts.passed
from leaderboard
join base.report_judges using (snapshot, fingerprint)
join base.verdicts
    on verdicts.card_hash = leaderboard.card_hash and verdicts.fingerprint = leaderboard.fingerprint
where leaderboard.model_id in (select unnest($model_ids::varchar[]))
order by leaderboard.score desc, leaderboard.model_id;
