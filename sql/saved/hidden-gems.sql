-- Well documented models that nobody has liked yet.
select model_id, round(score, 2) as score, downloads, library_name, pipeline_tag
from leaderboard
where likes = 0 and score >= 4
order by score desc, downloads, model_id
limit 30;
