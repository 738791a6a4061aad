-- One row: the highest number that a kind ever had; 0 before the first.
select coalesce(max(kind), 0) as highest from base.kinds;
