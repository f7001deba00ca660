-- A list leaves one row, whose detail names the ids it showed: who asks about one of them finds the row by this.
create index audit_ids on audit using gin ((detail -> 'ids')) where detail ? 'ids';
