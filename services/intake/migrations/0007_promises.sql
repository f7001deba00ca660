-- Promises to riders that are in danger: a van is late, nobody on duty can bring somebody home, nobody was at the door.
alter table alarm drop constraint alarm_kind_check;
alter table alarm add constraint alarm_kind_check check (
    kind in ('unanswered', 'hand_over', 'not_departed', 'complaint', 'van_late', 'left_behind', 'no_show'));
