-- Places of the area tree to which an account is held, by code; none: the whole municipality.

alter table account add column places text[] not null default '{}';
