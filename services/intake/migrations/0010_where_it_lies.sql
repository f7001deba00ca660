-- Communities, villages and quarters in which the place lies: said, or found by the boundaries of the settings pack.
alter table call add column area_codes text[];
