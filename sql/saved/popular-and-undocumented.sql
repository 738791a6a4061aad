-- Popular models without a card, or with one that says little.
select model_id, card_status, round(score, 2) as score, downloads, likes, library_name
from scores
where snapshot = (select max(snapshot) from snapshots)
    and card_status in ('card', 'empty', 'none')
    and coalesce(score, 1) < 2
order by downloads desc nulls last, model_id
limit 30;
