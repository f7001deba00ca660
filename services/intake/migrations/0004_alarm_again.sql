-- A call whose unit is lost alarms again: an alarm that was answered, or seen by somebody, does not stand in the way of
-- the next one. An exclusion under the old name, so that what names it in ON CONFLICT goes on working.
alter table alarm drop constraint alarm_once_per_call;
alter table alarm add constraint alarm_once_per_call
    exclude using btree (call_id with =, kind with =) where (acknowledged_at is null and answered_at is null);
create index alarm_call on alarm (call_id);
