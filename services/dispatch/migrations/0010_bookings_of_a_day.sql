-- A day's promises are looked for at each offer, however many other days are booked.
create index run_booked_in_area on run using gist (area, booked) where status = 'planned';
