-- A rating given on the public page: the call is found by the code its caller holds, and rated there once.
create index call_tracking on call (tracking_code) where tracking_code is not null;
create unique index reply_rated_once on reply (call_id) where channel = 'app' and score is not null;
