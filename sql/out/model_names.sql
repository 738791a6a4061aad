-- One row per model of the latest snapshot whose name begins with $begins, the most downloaded first; a hundred at most.
select model_id
from models
where starts_with(model_id, $begins)
order by downloads desc nulls last, model_id
limit 100;
