-- Audit rows in hash chains: each row carries the hash of itself and of the row before it in its lane. There are as many
-- lanes as readers may write at once; a writer takes any that is free, so nobody waits for another's commit. Rows from
-- before this migration stand outside (id <= audit_begin.id).
lock table audit in share row exclusive mode;

create table audit_begin (
    one             boolean primary key default true check (one),
    id              bigint not null,
    began_at        timestamptz not null
);
insert into audit_begin (id, began_at) select coalesce(max(id), 0), clock_timestamp() from audit;

create table audit_lane (
    lane            smallint primary key check (lane between 0 and 63),
    seq             bigint not null default 0,
    hash            bytea not null default '\x'
) with (fillfactor = 10);
insert into audit_lane (lane) select generate_series(0, 63);

alter table audit add column lane smallint, add column lane_seq bigint, add column hash bytea;
create unique index audit_lane_seq on audit (lane, lane_seq);
create index audit_unchained on audit (id) where lane is null;

-- The text that is hashed is written a second time in shared/chains/store.py, whose reader does not trust
-- this function.
create function audit_chain() returns trigger language plpgsql as $$
declare head audit_lane;
begin
    select * into head from audit_lane where lane >= 0 order by lane limit 1 for update skip locked;
    if not found then
        select * into head from audit_lane where lane = pg_backend_pid() % 64 for update;
    end if;
    new.lane := head.lane;
    new.lane_seq := head.seq + 1;
    new.hash := sha256(head.hash || convert_to(jsonb_build_array(
        new.lane, new.lane_seq, new.id, (extract(epoch from new.at) * 1000000)::bigint, new.caller, new.role,
        new.purpose, new.act, new.noun, new.subject_id, new.detail, to_jsonb(new.areas))::text, 'UTF8'));
    update audit_lane set seq = new.lane_seq, hash = new.hash where lane = head.lane;
    return new;
end $$;
create trigger audit_chained before insert on audit for each row execute function audit_chain();

-- Where the lanes stood, signed with a key that the database does not know: whoever rewrites rows and recomputes every
-- hash after them is found by the last one.
create table audit_anchor (
    number          bigint primary key,
    at              timestamptz not null,
    heads           text not null,
    mac             bytea not null,
    key_id          integer not null
);
