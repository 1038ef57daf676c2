-- The epoch of the positions that the slot gives, and when capture last began to stream from it; null until then.
alter table serverless_realtime.capture_slot add column epoch text, add column streamed_at timestamptz;
