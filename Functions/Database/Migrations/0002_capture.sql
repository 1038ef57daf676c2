-- What capture must remember of its replication slot.
create table if not exists serverless_realtime.capture_slot (
  slot_name text primary key,
  -- Grows before the slot is created, and is part of every position's epoch: a slot created anew has skipped whatever was
  -- committed in between, so positions before and after must not look continuous.
  generation integer not null
);
