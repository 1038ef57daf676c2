-- Presence: who is present on which topic. Unlogged: a crash empties all of it together, and whoever is still there says so again within one heartbeat.

-- version counts the topic's changes and begins with the clock in microseconds, so that it never goes back, not even when the row is made anew. told is the version up to which
-- receivers were told without a hole, untold_since when they were first not.
create unlogged table serverless_realtime.presence_topic (
  topic text not null,
  private boolean not null,
  version bigint not null,
  told bigint not null,
  untold_since timestamptz,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (topic, private)
) with (fillfactor = 50);

-- A session's presence on a topic. meta is its payload, without the reference that we add; id tells the order of coming.
create unlogged table serverless_realtime.presence (
  id bigint generated always as identity,
  topic text not null,
  private boolean not null,
  session_id uuid not null,
  key text not null,
  ref text not null,
  meta text not null,
  primary key (topic, private, session_id)
);
create index on serverless_realtime.presence (session_id);

-- When a session that is present was last heard of. Every member has its row here.
create unlogged table serverless_realtime.presence_session (
  session_id uuid primary key,
  seen_at timestamptz not null
) with (fillfactor = 50);

-- Its row goes with those of the tables above, and tells that they were emptied.
create unlogged table serverless_realtime.presence_mark (
  is_set boolean primary key check (is_set)
);
insert into serverless_realtime.presence_mark values (true);

-- A topic is kept while anybody has joined it.
create index on serverless_realtime.channel (topic, private, session_id) where left_at is null;

create function serverless_realtime.presence_clock()
returns bigint
language sql
as $$ select (extract(epoch from clock_timestamp()) * 1000000)::bigint $$;

-- Counts changes of a topic, making it where it is not there, and returns its version after them.
create function serverless_realtime.advance_presence(p_topic text, p_private boolean, p_by bigint)
returns bigint
language plpgsql
as $$
declare
  advanced bigint;
begin
  loop
    update serverless_realtime.presence_topic t
    set version = t.version + p_by, untold_since = coalesce(t.untold_since, clock_timestamp()), changed_at = clock_timestamp()
    where t.topic = p_topic and t.private = p_private
    returning t.version into advanced;
    if found then
      return advanced;
    end if;
    insert into serverless_realtime.presence_topic (topic, private, version, told)
    select p_topic, p_private, begun, begun from serverless_realtime.presence_clock() begun
    on conflict do nothing;
  end loop;
end $$;

-- The functions below find members by their whole key, one after the other, and never by a join: a plan that was made while a topic was empty would go through all of its ten thousand members
-- for each of five hundred changes.

-- Makes the sessions present with the given metas, or absent where the meta is null, and returns what has changed by it. The caller holds the topic's lock, and names no session twice.
-- Who has not joined the topic, or with a token that is over, is refused: asked here, so that a session which ends at this moment leaves nobody behind.
create function serverless_realtime.change_presence(p_topic text, p_private boolean, p_sessions uuid[], p_refs text[], p_metas text[])
returns table (change text, session_id uuid, key text, ref text, meta text, version bigint)
language plpgsql
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  wanted record;
  was serverless_realtime.presence;
  own_key text;
  present uuid[];
  changes bigint := 0;
begin
  for wanted in select w.session_id, w.ref, w.meta from unnest(p_sessions, p_refs, p_metas) as w (session_id, ref, meta) loop
    session_id := wanted.session_id;
    if wanted.meta is not null then
      select c.presence_key into own_key from serverless_realtime.channel c
      where c.session_id = wanted.session_id and c.topic = p_topic and c.private = p_private
        and c.left_at is null and not c.suspended and c.expires_at > clock_timestamp();
      if not found then
        change := 'refused';
        return next;
        continue;
      end if;
      present := present || wanted.session_id;
    end if;

    select * into was from serverless_realtime.presence p where p.topic = p_topic and p.private = p_private and p.session_id = wanted.session_id;
    if found and (wanted.meta is null or was.key <> own_key) then
      delete from serverless_realtime.presence p where p.topic = p_topic and p.private = p_private and p.session_id = wanted.session_id;
      change := 'leave';
      key := was.key;
      ref := was.ref;
      meta := was.meta;
      changes := changes + 1;
      return next;
      was := null;
    end if;
    continue when wanted.meta is null or wanted.meta = was.meta;

    change := 'join';
    key := own_key;
    ref := coalesce(was.ref, wanted.ref);
    meta := wanted.meta;
    changes := changes + 1;
    if was.ref is null then
      insert into serverless_realtime.presence (topic, private, session_id, key, ref, meta) values (p_topic, p_private, wanted.session_id, own_key, wanted.ref, wanted.meta);
    else
      update serverless_realtime.presence p set meta = wanted.meta where p.topic = p_topic and p.private = p_private and p.session_id = wanted.session_id;
    end if;
    return next;
  end loop;

  -- In order, so that two topics' changes do not wait for each other.
  insert into serverless_realtime.presence_session as s (session_id, seen_at)
  select seen, clock_timestamp() from unnest(present) seen order by seen
  on conflict (session_id) do update set seen_at = clock_timestamp();

  if changes > 0 then
    change := 'version';
    session_id := null;
    key := null;
    ref := null;
    meta := null;
    version := serverless_realtime.advance_presence(p_topic, p_private, changes);
    return next;
  end if;
end $$;

-- Takes away up to so many members of a topic whose session has been silent for so long, or has left the topic. A heartbeat at this moment waits for us or we for it, and is then seen.
create function serverless_realtime.drop_presence(p_topic text, p_private boolean, p_silent interval, p_most int)
returns table (change text, session_id uuid, key text, ref text, meta text, version bigint)
language plpgsql
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  gone uuid[];
  counted bigint;
begin
  gone := array(
    select p.session_id from serverless_realtime.presence p
    where p.topic = p_topic and p.private = p_private
      and ((select s.seen_at from serverless_realtime.presence_session s where s.session_id = p.session_id) < clock_timestamp() - p_silent
        or (select c.left_at is null from serverless_realtime.channel c where c.session_id = p.session_id and c.topic = p_topic and c.private = p_private) is not true)
    order by p.session_id limit p_most);
  perform from serverless_realtime.presence_session s where s.session_id = any (gone) order by s.session_id for update;

  return query
  delete from serverless_realtime.presence p
  where p.topic = p_topic and p.private = p_private and p.session_id = any (gone)
    and ((select s.seen_at from serverless_realtime.presence_session s where s.session_id = p.session_id) < clock_timestamp() - p_silent
      or (select c.left_at is null from serverless_realtime.channel c where c.session_id = p.session_id and c.topic = p_topic and c.private = p_private) is not true)
  returning 'leave', p.session_id, p.key, p.ref, p.meta, null::bigint;
  get diagnostics counted = row_count;

  if counted > 0 then
    return query select 'version', null::uuid, null::text, null::text, null::text, serverless_realtime.advance_presence(p_topic, p_private, counted);
  end if;
end $$;

-- The topics on which there is somebody to take away.
create function serverless_realtime.topics_to_drop(p_silent interval, p_most int)
returns table (topic text, private boolean)
language sql
set enable_seqscan = off
as $$
  select distinct p.topic, p.private from serverless_realtime.presence p
  where (select s.seen_at from serverless_realtime.presence_session s where s.session_id = p.session_id) < clock_timestamp() - p_silent
    or (select c.left_at is null from serverless_realtime.channel c where c.session_id = p.session_id and c.topic = p.topic and c.private = p.private) is not true
  limit p_most
$$;

-- PostgreSQL empties unlogged tables after a crash, and who was present is unknown then: whoever listens is to be told what there is now. Groups are named as the service names them.
create function serverless_realtime.begin_presence_anew()
returns void
language plpgsql
as $$
begin
  insert into serverless_realtime.presence_mark values (true) on conflict do nothing;
  if not found then
    return;
  end if;
  insert into serverless_realtime.presence_topic (topic, private, version, told, untold_since)
  select distinct c.topic, c.private, serverless_realtime.presence_clock(), 0, '-infinity'::timestamptz
  from (select distinct topic, private, groups from serverless_realtime.channel where left_at is null) c
  where case when c.private then 'pp' else 'p' end || encode(sha256(convert_to(c.topic, 'UTF8')), 'hex') = any (c.groups)
  on conflict (topic, private) do update set told = 0, untold_since = '-infinity';
end $$;

-- Forgets topics without members that nobody has joined, unchanged for so long, and sessions that are present nowhere and were silent for so long.
create function serverless_realtime.forget_presence(p_unchanged interval, p_silent interval)
returns void
language sql
set enable_seqscan = off
as $$
  delete from serverless_realtime.presence_topic t
  where t.changed_at < clock_timestamp() - p_unchanged
    and (select true from serverless_realtime.presence p where p.topic = t.topic and p.private = t.private limit 1) is null
    and (select true from serverless_realtime.channel c where c.topic = t.topic and c.private = t.private and c.left_at is null limit 1) is null;

  delete from serverless_realtime.presence_session where session_id in (
    select s.session_id from serverless_realtime.presence_session s
    where s.seen_at < clock_timestamp() - p_silent
      and (select true from serverless_realtime.presence p where p.session_id = s.session_id limit 1) is null
    for update skip locked);
$$;
