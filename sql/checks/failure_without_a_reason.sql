-- A failure says why.
select * from failures where reason is null or reason = '' or detail is null;
