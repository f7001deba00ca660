-- Erasing a caller looks for what a telephone exchange was answered about their number.
create index idempotency_phone on idempotency ((answer ->> 'phone')) where answer ->> 'phone' is not null;
