-- One row: the map of $snapshot; none where there is none.
select embedder, fitted_on, texts, placed, kinds, noise_share, drift_share, trustworthiness
from base.atlases
where snapshot = $snapshot;
