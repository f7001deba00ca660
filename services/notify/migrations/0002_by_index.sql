-- Statements that found their rows only by walking a whole table.
create index reply_recipient on reply (recipient_kind, recipient_id) where recipient_id is not null;
-- Only what can still expire: what was delivered and wants no answer never leaves that state.
drop index message_expiry;
create index message_expiry on message (expires_at)
    where status = 'planned' or (wants_answer and status in ('accepted', 'delivered'));
-- The kind alone finds nearly everything; the id finds one.
drop index message_recipient;
create index message_recipient on message (recipient_id);
