-- A failure says why.
select * from base.failures where reason is null or reason = '' or detail is null;
