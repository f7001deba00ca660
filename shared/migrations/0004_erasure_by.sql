-- Whether somebody asked for an erasure, or the time of keeping was over: done again after a restore, it does the same.
alter table erasure add column by text not null default 'person' check (by in ('person', 'system'));
update erasure e set by = 'system'
where exists (select from event_log l where l.aggregate_id = e.subject_id and l.type like '%.erased.v1'
              and coalesce(l.data ->> 'by', l.open_data ->> 'by') = 'system')
  and not exists (select from event_log l where l.aggregate_id = e.subject_id and l.type like '%.erased.v1'
                  and coalesce(l.data ->> 'by', l.open_data ->> 'by') = 'person');
