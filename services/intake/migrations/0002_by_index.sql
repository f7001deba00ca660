-- Statements that found their rows only by walking a whole table.
create index ringing_phone on ringing (phone);
create index call_time on call (received_at desc, id desc);
