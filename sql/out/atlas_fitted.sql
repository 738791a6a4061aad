-- One row per text that the map of $fitted_on was fitted on: where it lies, and the part that holds its vectors.
select points.card_hash, points.x, points.y, points.kind, embeddings.part
from base.atlas_points as points
join base.embeddings on embeddings.card_hash = points.card_hash and embeddings.embedder = $embedder
where points.snapshot = $fitted_on and points.is_fitted
order by points.card_hash;
