-- The thirty best documented models of the latest snapshot.
select model_id, round(score, 2) as score, judge, downloads, likes, library_name
from leaderboard
limit 30;
