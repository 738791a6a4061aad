-- One row per kind that $named_by has given a name.
select distinct kind from base.kind_names where named_by = $named_by and name <> '';
