-- A crew accepted an emergency and has not set out: one more kind of thing the desk must not overlook.
alter table alarm drop constraint alarm_kind_check;
alter table alarm add constraint alarm_kind_check check (kind in ('unanswered', 'hand_over', 'not_departed'));
