-- The registry of who listens to what (logged: it survives a crash), the change log (unlogged: it need not), and the roles and
-- the publication that users of Supabase know, where they are absent.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin noinherit', wanted);
      exception when duplicate_object or unique_violation then
        null; -- another database of this server was migrated in the same moment
      end;
    end if;
  end loop;
end $$;

do $$
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
end $$;

-- A session belongs to one SignalR connection; its subject is pinned by the first call that has one.
create table serverless_realtime.session (
  id uuid primary key,
  subject text,
  created_at timestamptz not null default now()
);

-- Subscriptions that must receive the same bytes. The key is a digest of the definition.
create table serverless_realtime.subscription_group (
  id bigint generated always as identity primary key,
  key bytea not null unique,
  definition text not null
);

-- left_at makes a tombstone, kept until every instance has surely read it. stamp is the transaction that last wrote the row: readers ask for
-- the stamps that their last snapshot did not hold, which misses nobody, however late a transaction commits.
create table serverless_realtime.subscription (
  id bigint generated always as identity primary key,
  session_id uuid not null references serverless_realtime.session,
  topic text not null,
  binding int not null,
  group_id bigint not null references serverless_realtime.subscription_group,
  request text not null,
  expires_at timestamptz not null,
  left_at timestamptz,
  stamp xid8 not null default pg_current_xact_id()
);
create index on serverless_realtime.subscription (stamp);
create index on serverless_realtime.subscription (session_id, topic) where left_at is null;
create index on serverless_realtime.subscription (group_id);
create index on serverless_realtime.subscription (left_at) where left_at is not null;

-- The roles that have ever subscribed: whose rights on a table are asked for with every batch.
create table serverless_realtime.subscriber_role (
  name text primary key
);

-- One row. Tombstones stamped up to here are gone; a reader whose last snapshot is older reads everything anew.
create table serverless_realtime.registry_horizon (
  one boolean primary key default true check (one),
  purged_through xid8 not null default '0'
);
insert into serverless_realtime.registry_horizon default values;

-- What each partition has logged and sent. Unlogged together with the log: when a crash empties one it empties both, so that a
-- missing row here tells an emptied log from a quiet one.
create unlogged table serverless_realtime.partition_state (
  partition text primary key,
  epoch text not null,
  log_from text not null,
  logged text not null,
  sent text,
  sender uuid
);

-- Raw changes as they came off the bus, one row for each table in each batch.
create unlogged table serverless_realtime.change_log (
  epoch text not null,
  partition text not null,
  schema_name text not null,
  table_name text not null,
  last_lsn pg_lsn not null,
  last_index int not null,
  changes int not null,
  body bytea not null,
  logged_at timestamptz not null default now()
);
create index on serverless_realtime.change_log (schema_name, table_name, last_lsn, last_index);
create index on serverless_realtime.change_log (logged_at);

-- Registers one channel of a session: replaces what that topic had, and returns the group of each binding. The caller holds the session's lock.
create function serverless_realtime.register(
  p_session uuid, p_subject text, p_topic text, p_role text, p_expires_at timestamptz,
  p_keys bytea[], p_definitions text[], p_requests text[])
returns table (binding int, group_id bigint)
language plpgsql
as $$
#variable_conflict use_column
begin
  insert into serverless_realtime.session as s (id, subject) values (p_session, p_subject)
  on conflict (id) do update set subject = excluded.subject where s.subject is null and excluded.subject is not null;
  if exists (select from serverless_realtime.session s where s.id = p_session and s.subject is distinct from p_subject and p_subject is not null) then
    raise exception 'session belongs to another subject' using errcode = 'SR001';
  end if;

  if not exists (select from serverless_realtime.subscriber_role where name = p_role) then
    insert into serverless_realtime.subscriber_role values (p_role) on conflict do nothing;
  end if;

  update serverless_realtime.subscription s
  set left_at = now(), stamp = pg_current_xact_id()
  where s.session_id = p_session and s.topic = p_topic and s.left_at is null;

  -- Most groups exist already, and an insert that conflicts would still use up an id.
  insert into serverless_realtime.subscription_group (key, definition)
  select wanted.key, min(wanted.definition)
  from unnest(p_keys, p_definitions) as wanted (key, definition)
  where not exists (select from serverless_realtime.subscription_group g where g.key = wanted.key)
  group by wanted.key
  order by wanted.key
  on conflict (key) do nothing;

  return query
  insert into serverless_realtime.subscription (session_id, topic, binding, group_id, request, expires_at)
  select p_session, p_topic, wanted.place::int, g.id, wanted.request, p_expires_at
  from unnest(p_keys, p_requests) with ordinality as wanted (key, request, place)
  join serverless_realtime.subscription_group g on g.key = wanted.key
  order by wanted.place
  returning binding, group_id;
end $$;
