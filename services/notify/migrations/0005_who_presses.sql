-- Others are on the unit and none of them has pressed yet: each gets the button, and whoever presses goes on with it.
alter table assignment add column all_press boolean not null default false;
