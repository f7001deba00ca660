-- Who sits at which ringing telephone, and who has begun to write a call: people of the desk and times, nothing of
-- callers. A key is the one with which the call is taken at last. Forgotten within hours (picture.forget_old).
create table desk_line (
    ringing_id      uuid primary key,
    account_id      uuid not null references account (id) on delete cascade,
    session_id      uuid not null,
    role            text not null,
    answered_at     timestamptz not null
);
create index desk_line_account on desk_line (account_id);
create index desk_line_answered on desk_line (answered_at);

create table desk_sheet (
    key             uuid primary key,
    account_id      uuid not null references account (id) on delete cascade,
    session_id      uuid not null,
    role            text not null,
    areas           text[] not null,
    begun_at        timestamptz not null,
    typed_at        timestamptz not null,
    seen_at         timestamptz not null,               -- the page's last sign of life
    changed_at      timestamptz not null,               -- when others had to look again
    ended_at        timestamptz
);
create index desk_sheet_account on desk_sheet (account_id);
create index desk_sheet_seen on desk_sheet (seen_at);
create index desk_sheet_changed on desk_sheet (changed_at);
