-- A message is one letter, however often the stream brings it again: times counts. Of those that nobody could read,
-- which have no aggregate to be known by, each coming made another letter until now.
alter table dead_letter add column times integer not null default 1 check (times >= 1);

with alike as (
    select min(died_at) as died_at, (array_agg(id order by died_at, id))[1] as id, array_agg(id) as ids, count(*) as times
    from dead_letter where aggregate_id is null and requeued_at is null group by subject, sha256(body)
), kept as (
    update dead_letter d set times = a.times from alike a where d.id = a.id
)
delete from dead_letter d using alike a where d.id = any(a.ids) and d.id <> a.id;

create unique index dead_letter_unread_once on dead_letter (subject, sha256(body))
    where aggregate_id is null and requeued_at is null;
