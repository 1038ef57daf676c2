-- What a client that comes back must know of the change log: from where on it is complete, and in which epoch.

-- One row: everything committed at or after complete_from is in the log, or was trimmed as log_trim says. Unlogged as the log is, so that a crash which empties the log takes this row too; it is made
-- again with the position of that moment, and whoever asks for what was before is told of a gap.
create unlogged table serverless_realtime.log_watermark (
  one boolean primary key default true check (one),
  complete_from pg_lsn not null
);

-- Up to where each table's changes were taken out of the log. A table that is not here has all of its changes there since complete_from, however long ago they were.
create unlogged table serverless_realtime.log_trim (
  schema_name text not null,
  table_name text not null,
  epoch text not null,
  last_lsn pg_lsn not null,
  last_index int not null,
  primary key (schema_name, table_name, epoch)
);

-- Where the log is complete from. Makes the row where it is missing; the position is read after whatever the log lacks was committed.
create function serverless_realtime.log_complete_from()
returns pg_lsn
language sql
as $$
  insert into serverless_realtime.log_watermark (complete_from)
  select pg_current_wal_insert_lsn() where not exists (select from serverless_realtime.log_watermark) on conflict do nothing;
  select complete_from from serverless_realtime.log_watermark;
$$;

-- The epoch that changes are captured in now, null where none ever were, and a position: what was committed before it and told as committed is visible to whoever reads a table now, and the log is complete from there
-- on. Not the end of what was written, since a commit that is still being flushed is not visible yet.
create function serverless_realtime.capture_cursor(out epoch text, out before_lsn pg_lsn)
language sql
as $$
  select (select s.epoch from serverless_realtime.capture_slot s where s.epoch is not null order by s.streamed_at desc limit 1), greatest(serverless_realtime.log_complete_from(), pg_current_wal_flush_lsn());
$$;

select serverless_realtime.log_complete_from();
