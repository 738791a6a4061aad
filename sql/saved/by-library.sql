-- Libraries with at least ten scored models: how their cards score, and how popular they are.
select
    coalesce(library_name, '(none)') as library,
    count(*) as models,
    round(median(score), 2) as median_score,
    median(downloads) as median_downloads,
    round(count(*) filter (where likes > 0) / count(*), 3) as liked_share
from leaderboard
group by all
having count(*) >= 10
order by models desc, library;
