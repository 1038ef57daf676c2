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
        if wanted = 'service_role' then
          -- By itself, since a refusal undoes everything since its "begin", and the role is needed all the same.
          begin
            alter role service_role bypassrls;
          exception when insufficient_privilege then
            raise notice 'This user may not let service_role bypass row-level security. Let one who may run: alter role service_role bypassrls';
          end;
        end if;
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

-- Claims as policies may read them: without the token's own times, members in order. The key is a digest of the text.
create table serverless_realtime.claim_set (
  key bytea primary key,
  claims text not null
);

-- Subscriptions that must receive the same bytes. The key is a digest of the definition. number is what clients know the group by: its own id, or, for
-- a part of a group that was split, that group's. claims_key is null where no policy can tell two members apart by their claims.
create table serverless_realtime.subscription_group (
  id bigint generated always as identity primary key,
  key bytea not null unique,
  definition text not null,
  number bigint,
  claims_key bytea references serverless_realtime.claim_set
);

-- left_at makes a tombstone, kept until every instance has surely read it. suspended marks one whose token expired while its channel stays
-- open. is_member says whether the session's connection may still be in the group. stamp is the transaction that last wrote the row: readers ask for the stamps that their last snapshot did not hold, which misses nobody, however
-- late a transaction commits.
create table serverless_realtime.subscription (
  id bigint generated always as identity primary key,
  session_id uuid not null references serverless_realtime.session,
  topic text not null,
  binding int not null,
  group_id bigint not null references serverless_realtime.subscription_group,
  claims_key bytea not null references serverless_realtime.claim_set,
  request text not null,
  expires_at timestamptz not null,
  left_at timestamptz,
  suspended boolean not null default false,
  is_member boolean not null default true,
  stamp xid8 not null default pg_current_xact_id()
);
create index on serverless_realtime.subscription (stamp);
create index on serverless_realtime.subscription (session_id, topic) where left_at is null or suspended;
create index on serverless_realtime.subscription (group_id);
create index on serverless_realtime.subscription (claims_key);
create index on serverless_realtime.subscription_group (claims_key);
create index on serverless_realtime.subscription (left_at) where left_at is not null;

-- The roles that have ever subscribed: whose rights on a table are asked for with every batch.
create table serverless_realtime.subscriber_role (
  name text primary key
);

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

-- Registers one channel of a session beside what that topic has, and returns the number of each binding. The caller holds the session's lock, and ends
-- what the topic had before with leave() once it has joined the new groups, so that nothing falls between the two.
-- p_scoped says of each binding whether its group is for these claims alone.
create function serverless_realtime.register(
  p_session uuid, p_subject text, p_topic text, p_role text, p_expires_at timestamptz, p_claims_key bytea, p_claims text,
  p_keys bytea[], p_definitions text[], p_scoped boolean[], p_requests text[], p_max_topics int)
returns table (id bigint, number bigint)
language plpgsql
as $$
#variable_conflict use_column
begin
  insert into serverless_realtime.session as s (id, subject) values (p_session, p_subject)
  on conflict (id) do update set subject = excluded.subject where s.subject is null and excluded.subject is not null;
  if exists (select from serverless_realtime.session s where s.id = p_session and s.subject is distinct from p_subject and p_subject is not null) then
    raise exception 'session belongs to another subject' using errcode = 'SR001';
  end if;

  if (select count(distinct s.topic) from serverless_realtime.subscription s
      where s.session_id = p_session and s.topic <> p_topic and (s.left_at is null or s.suspended)) >= p_max_topics then
    raise exception 'session has too many topics' using errcode = 'SR002';
  end if;

  if not exists (select from serverless_realtime.subscriber_role where name = p_role) then
    insert into serverless_realtime.subscriber_role values (p_role) on conflict do nothing;
  end if;

  -- Locked until the subscriptions below refer to them; what the sweep deletes in between is made again.
  loop
    if not exists (select from serverless_realtime.claim_set where key = p_claims_key) then
      insert into serverless_realtime.claim_set values (p_claims_key, p_claims) on conflict do nothing;
    end if;
    perform from serverless_realtime.claim_set where key = p_claims_key for key share;
    continue when not found;
    perform serverless_realtime.make_groups(p_keys, p_definitions, array(select case when scoped then p_claims_key end from unnest(p_scoped) scoped), null);
    exit when (select count(*) from (select from serverless_realtime.subscription_group where key = any (p_keys) for key share) locked)
      = (select count(distinct key) from unnest(p_keys) key);
  end loop;

  return query
  with added as (
    insert into serverless_realtime.subscription (session_id, topic, binding, group_id, claims_key, request, expires_at)
    select p_session, p_topic, wanted.place::int, g.id, p_claims_key, wanted.request, p_expires_at
    from unnest(p_keys, p_requests) with ordinality as wanted (key, request, place)
    join serverless_realtime.subscription_group g on g.key = wanted.key
    returning id, binding, group_id
  )
  select a.id, coalesce(g.number, g.id) from added a join serverless_realtime.subscription_group g on g.id = a.group_id order by a.binding;
end $$;

-- Ends what a topic has, but for the subscriptions named.
create function serverless_realtime.leave(p_session uuid, p_topic text, p_but bigint[] default '{}')
returns void
language sql
as $$
  update serverless_realtime.subscription
  set left_at = now(), suspended = false, stamp = pg_current_xact_id()
  where session_id = p_session and topic = p_topic and (left_at is null or suspended) and id <> all (p_but);
$$;

-- Most groups exist already, and an insert that conflicts would still use up an id.
create function serverless_realtime.make_groups(p_keys bytea[], p_definitions text[], p_claims_keys bytea[], p_number bigint)
returns void
language sql
as $$
  insert into serverless_realtime.subscription_group (key, definition, claims_key, number)
  select distinct on (wanted.key) wanted.key, wanted.definition, wanted.claims_key, p_number
  from unnest(p_keys, p_definitions, p_claims_keys) as wanted (key, definition, claims_key)
  where not exists (select from serverless_realtime.subscription_group g where g.key = wanted.key)
  order by wanted.key
  on conflict (key) do nothing;
$$;

-- Moves the subscriptions of one group to groups for their own claims, and retires the group: its key is spoilt, so that nobody joins it again. The
-- update of the key waits for joins under way; theirs, and those whose claims are not among the given ones, stay and are moved by the next call.
create function serverless_realtime.split_group(
  p_group bigint, p_number bigint, p_claims_keys bytea[], p_keys bytea[], p_definitions text[])
returns table (session_id uuid, group_id bigint)
language plpgsql
as $$
#variable_conflict use_column
begin
  update serverless_realtime.subscription_group set key = key || convert_to('retired ' || id, 'UTF8')
  where id = p_group and length(key) = 32;
  perform serverless_realtime.make_groups(p_keys, p_definitions, p_claims_keys, p_number);
  return query
  update serverless_realtime.subscription s
  set group_id = g.id, stamp = pg_current_xact_id()
  from unnest(p_claims_keys, p_keys) as moved (claims_key, key)
  join serverless_realtime.subscription_group g on g.key = moved.key
  where s.group_id = p_group and s.claims_key = moved.claims_key and s.left_at is null
  returning s.session_id, g.id;
end $$;
