-- A word sealed under each key that was ever in use. A process whose key of that number does not open it has another
-- key than the one under which people are sealed, and ends before it seals anybody under the wrong one.
create table key_word (
    number          integer primary key check (number between 1 and 65535),
    word            bytea not null,
    made_at         timestamptz not null
);
