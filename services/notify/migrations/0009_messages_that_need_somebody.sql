-- What did not arrive, or nobody knows whether it did: somebody rings or goes there. Few among all.
create index message_undelivered on message (id) where status in ('failed', 'unknown');
create index message_resent on message (resent_from) where resent_from is not null;
