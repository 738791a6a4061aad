-- One row, none where there is none: the latest map that is shown.
select snapshot
from atlases
order by snapshot desc
limit 1;
