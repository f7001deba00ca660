-- Lists of people are read in the order of their ids.
create index person_area on person (area, id);
