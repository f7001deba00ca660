-- Statements that found their rows only by walking a whole table.
create index reply_recipient on reply (recipient_kind, recipient_id) where recipient_id is not null;
