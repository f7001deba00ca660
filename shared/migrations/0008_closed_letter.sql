-- What nobody can read cannot be given back; a person who has looked closes it. requeued_at is when, closed says which.
alter table dead_letter add column closed boolean not null default false check (requeued_at is not null or not closed);
