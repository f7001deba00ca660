-- Whose people an account is of: null is the municipality itself, else an agency of the registry. What is not opened
-- to agencies by name stays shut to them.

alter table account add column agency_id uuid;
