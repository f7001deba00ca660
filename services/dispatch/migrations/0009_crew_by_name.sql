-- Whom a member may ask to take a shift: colleagues of the same municipality by name.
create index crew_of_area on crew (area, name, id) where active;
