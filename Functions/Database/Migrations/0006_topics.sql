-- Topics: which sessions have joined them, who may use the private ones, and the messages that SQL sends to them.

-- A session's channel. groups are the SignalR groups that its connection may be in, wanted those that it should be in; they differ only while a call is under way or after
-- one that ended half-way. left_at marks a channel that is left and not yet tidied; suspended one whose token has expired.
create table serverless_realtime.channel (
  session_id uuid not null references serverless_realtime.session,
  topic text not null,
  private boolean not null,
  role text not null,
  claims_key bytea not null references serverless_realtime.claim_set,
  expires_at timestamptz not null,
  presence_key text not null,
  wants_presence boolean not null,
  groups text[] not null,
  wanted text[] not null,
  judged_at timestamptz not null default now(),
  left_at timestamptz,
  suspended boolean not null default false,
  primary key (session_id, topic)
);
create index on serverless_realtime.channel (claims_key);
create index on serverless_realtime.channel (expires_at) where left_at is null and not suspended;
create index on serverless_realtime.channel (judged_at) where private and left_at is null and not suspended;
create index on serverless_realtime.channel (left_at) where left_at is not null;

-- Registers a session's channel in the place of what that topic was, and returns every group that the connection may be in for it. The caller holds the session's lock,
-- joins the new groups, leaves the others, and then says so with settle_channel().
create function serverless_realtime.join_channel(
  p_session uuid, p_subject text, p_topic text, p_private boolean, p_role text, p_claims_key bytea, p_claims text, p_expires_at timestamptz,
  p_presence_key text, p_wants_presence boolean, p_groups text[], p_max_topics int)
returns text[]
language plpgsql
as $$
declare
  all_groups text[];
begin
  insert into serverless_realtime.session as s (id, subject) values (p_session, p_subject)
  on conflict (id) do update set subject = excluded.subject where s.subject is null and excluded.subject is not null;
  if exists (select from serverless_realtime.session s where s.id = p_session and s.subject is distinct from p_subject and p_subject is not null) then
    raise exception 'session belongs to another subject' using errcode = 'SR001';
  end if;
  if (select count(*) from serverless_realtime.channel c where c.session_id = p_session and c.topic <> p_topic and c.left_at is null) >= p_max_topics then
    raise exception 'session has too many topics' using errcode = 'SR002';
  end if;

  -- Locked until the channel refers to it; what the sweep deletes in between is made again.
  loop
    insert into serverless_realtime.claim_set values (p_claims_key, p_claims) on conflict do nothing;
    perform from serverless_realtime.claim_set where key = p_claims_key for key share;
    exit when found;
  end loop;

  insert into serverless_realtime.channel as c
    (session_id, topic, private, role, claims_key, expires_at, presence_key, wants_presence, groups, wanted)
  values (p_session, p_topic, p_private, p_role, p_claims_key, p_expires_at, p_presence_key, p_wants_presence, p_groups, p_groups)
  on conflict (session_id, topic) do update set
    private = excluded.private, role = excluded.role, claims_key = excluded.claims_key, expires_at = excluded.expires_at,
    presence_key = excluded.presence_key, wants_presence = excluded.wants_presence,
    groups = array(select unnest(c.groups) union select unnest(excluded.groups)), wanted = excluded.wanted,
    judged_at = now(), left_at = null, suspended = false
  returning c.groups into all_groups;
  return all_groups;
end $$;

-- realtime.messages as Supabase has it, where Supabase has none: policies on it say who may use a private topic, and its rows are broadcast.
do $$
begin
  if exists (select from pg_roles where rolname = 'supabase_admin') then
    return;
  end if;

  if to_regclass('realtime.messages') is null then
    create table realtime.messages (
      id uuid not null default gen_random_uuid() primary key,
      topic text not null,
      extension text not null,
      event text,
      payload jsonb,
      binary_payload bytea,
      private boolean default false,
      inserted_at timestamp not null default (now() at time zone 'utc'),
      updated_at timestamp not null default (now() at time zone 'utc')
    );
    create index on realtime.messages (topic, inserted_at) where private;
    create index on realtime.messages (inserted_at);
    alter table realtime.messages enable row level security;
    grant select, insert, update on realtime.messages to anon, authenticated, service_role;
    if not (select puballtables from pg_publication where pubname = 'supabase_realtime') then
      alter publication supabase_realtime add table realtime.messages;
    end if;
  end if;

  if to_regprocedure('realtime.topic()') is null then
    create function realtime.topic() returns text language sql stable
    as $f$ select nullif(current_setting('realtime.topic', true), '') $f$;
  end if;

  if to_regprocedure('realtime.send(jsonb,text,text,boolean)') is null then
    create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
    returns void language plpgsql
    as $f$
    declare
      message_id uuid := gen_random_uuid();
    begin
      insert into realtime.messages (id, topic, extension, event, payload, private)
      values (
        message_id, send.topic, 'broadcast', send.event,
        case when jsonb_typeof(send.payload) = 'object' and not send.payload ? 'id' then send.payload || jsonb_build_object('id', message_id) else send.payload end,
        send.private);
    end $f$;
  end if;

  if to_regprocedure('realtime.send_binary(bytea,text,text,boolean)') is null then
    create function realtime.send_binary(payload bytea, event text, topic text, private boolean default true)
    returns void language sql
    as $f$ insert into realtime.messages (topic, extension, event, binary_payload, private) values ($3, 'broadcast', $2, $1, $4) $f$;
  end if;

  if to_regprocedure('realtime.broadcast_changes(text,text,text,text,text,record,record,text)') is null then
    create function realtime.broadcast_changes(
      topic_name text, event_name text, operation text, table_name text, table_schema text, new record, old record, level text default 'ROW')
    returns void language plpgsql
    as $f$
    begin
      if level = 'STATEMENT' then
        raise exception 'realtime.broadcast_changes is for triggers "for each row"; a statement has no NEW and OLD';
      end if;
      if operation not in ('INSERT', 'UPDATE', 'DELETE') then
        raise exception 'realtime.broadcast_changes: operation is "%"; expected INSERT, UPDATE or DELETE (TG_OP)', operation;
      end if;
      perform realtime.send(
        jsonb_build_object(
          'record', case when operation <> 'DELETE' then to_jsonb(new) end,
          'old_record', case when operation <> 'INSERT' then to_jsonb(old) end,
          'operation', operation, 'table', table_name, 'schema', table_schema),
        event_name, topic_name);
    end $f$;
  end if;
end $$;

-- Messages of HTTP callers and clients to private topics, while they are kept for those who join later. Those of SQL are in realtime.messages.
create table serverless_realtime.kept_message (
  id uuid primary key,
  topic text not null,
  event text not null,
  body text not null,
  inserted_at timestamptz not null default now()
);
create index on serverless_realtime.kept_message (topic, inserted_at);
create index on serverless_realtime.kept_message (inserted_at);

-- Who may hear, or send to, private topics: what the policies on realtime.messages say of a row for the topic, tried out and undone. For each question the answer
-- about broadcasts and about presence, or the SQLSTATE of a policy that fails, which grants nothing.
create function serverless_realtime.judge_topics(p_roles text[], p_claims text[], p_topics text[], p_write boolean)
returns table (broadcast boolean, presence boolean, failure text)
language plpgsql
as $$
declare
  claims jsonb;
  ids uuid[];
begin
  for i in 1 .. coalesce(cardinality(p_topics), 0) loop
    broadcast := false;
    presence := false;
    failure := null;
    begin
      -- Functions that a policy calls keep plans of their own, in which what was computed from somebody else's claims may stand as a constant.
      execute 'discard plans';
      claims := p_claims[i]::jsonb;
      if not p_write then
        with tried as (
          insert into realtime.messages (topic, extension, private) values (p_topics[i], 'broadcast', true), (p_topics[i], 'presence', true)
          returning id, extension)
        select array_agg(id order by extension) into ids from tried;
      end if;
      perform
        set_config('realtime.topic', p_topics[i], true),
        set_config('request.jwt.claims', p_claims[i], true),
        set_config('request.jwt.claim.sub', coalesce(claims ->> 'sub', ''), true),
        set_config('request.jwt.claim.role', coalesce(claims ->> 'role', ''), true),
        set_config('role', p_roles[i], true);

      -- Executed as text, so that it is planned each time: a plan that is kept might hold what was computed from somebody else's claims.
      if p_write then
        begin
          execute 'insert into realtime.messages (topic, extension, private) values ($1, ''broadcast'', true)' using p_topics[i];
          broadcast := true;
        exception when insufficient_privilege then
          null;
        end;
        begin
          execute 'insert into realtime.messages (topic, extension, private) values ($1, ''presence'', true)' using p_topics[i];
          presence := true;
        exception when insufficient_privilege then
          null;
        end;
      else
        execute 'select coalesce(bool_or(id = $1), false), coalesce(bool_or(id = $2), false) from realtime.messages where id in ($1, $2)'
        into broadcast, presence using ids[1], ids[2];
      end if;
      raise exception using errcode = 'SR010';
    exception
      when sqlstate 'SR010' then
        null; -- the rows and settings of the trial are gone, what was found out stays
      when query_canceled then
        raise;
      when others then
        broadcast := false;
        presence := false;
        failure := sqlstate;
    end;
    return next;
  end loop;
end $$;

revoke execute on function serverless_realtime.judge_topics(text[], text[], text[], boolean) from public;
