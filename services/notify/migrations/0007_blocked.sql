-- LINE accounts that removed or block us: a push to them would be answered 200 and never seen.
create table blocked (
    area            text not null,
    line_user_id    text not null,
    blocked_at      timestamptz not null,
    primary key (area, line_user_id)
);
