-- One row per kind on the map of $snapshot that $named_by has not been asked to name.
select kind
from base.kinds
where snapshot = $snapshot
    and not exists (from base.kind_names where kind_names.kind = kinds.kind and kind_names.named_by = $named_by)
order by kind;
