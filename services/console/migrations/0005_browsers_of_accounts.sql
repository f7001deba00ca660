-- Browsers on which an account has signed in before: wrong tries elsewhere do not keep it out there. The cookie's hash is
-- kept, never the cookie; it signs nobody in. What account.failures and account.locked_until said is not read any more.
create table browser (
    cookie_hash     bytea not null,
    account_id      uuid not null references account (id) on delete cascade,
    seen_at         timestamptz not null,
    primary key (cookie_hash, account_id)
);
create index browser_account on browser (account_id);
create index browser_seen on browser (seen_at);
