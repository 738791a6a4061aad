-- A completed walk listed something.
select snapshot
from base.snapshots
anti join base.listing using (snapshot)
anti join base.list_failures using (snapshot);
