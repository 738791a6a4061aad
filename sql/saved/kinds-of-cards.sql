-- Kinds of card on the latest map: how many models, how well documented, and how far above the usual of their task.
select name, archetype, models, round(models_share, 3) as share, median_score, round(score_gap, 2) as score_gap,
    median_downloads, median_likes, round(stability, 2) as stability, example
from out_clusters
where snapshot = (select max(snapshot) from atlases)
order by models desc;
