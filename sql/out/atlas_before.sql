-- One row: the last map before $snapshot by $embedder; none for the first. A quarantined week's is passed over.
select snapshot, fitted_on
from base.atlases
where embedder = $embedder and snapshot < $snapshot and snapshot not in (select snapshot from base.hidden)
order by snapshot desc
limit 1;
