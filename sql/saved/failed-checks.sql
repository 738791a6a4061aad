-- How many models of the latest snapshot fail each check of the rubric.
select judge, check_id, count(*) as models, round(count(*) / any_value(scored), 3) as failed_share
from (
    select
        leaderboard.judge,
        unnest(verdicts.failed) as check_id,
        (select count(*) from leaderboard as board where board.judge = leaderboard.judge) as scored
    from leaderboard
    join verdicts using (card_hash, fingerprint)
)
group by judge, check_id
order by judge, models desc, check_id;
