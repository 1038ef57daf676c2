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
create index on serverless_realtime.channel (topic, private) where left_at is null;

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

-- Makes the sessions present with the given metas, or absent where the meta is null, and returns what has changed by it. The caller holds the topic's lock, and names no session twice.
-- Who has not joined the topic is refused: asked here, so that a session which ends at this moment leaves nobody behind.
create function serverless_realtime.change_presence(p_topic text, p_private boolean, p_sessions uuid[], p_refs text[], p_metas text[])
returns table (change text, session_id uuid, key text, ref text, meta text, version bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  keys text[];
  changes bigint := 0;
  counted bigint;
begin
  select array_agg(c.presence_key order by w.place) into keys
  from unnest(p_sessions) with ordinality as w (session_id, place)
  left join serverless_realtime.channel c on c.session_id = w.session_id and c.topic = p_topic and c.private = p_private and c.left_at is null;

  return query
  select 'refused', w.session_id, null::text, null::text, null::text, null::bigint
  from unnest(p_sessions, keys, p_metas) as w (session_id, key, meta)
  where w.meta is not null and w.key is null;

  -- In order, so that two topics' changes do not wait for each other.
  insert into serverless_realtime.presence_session as s (session_id, seen_at)
  select w.session_id, clock_timestamp()
  from unnest(p_sessions, keys, p_metas) as w (session_id, key, meta)
  where w.meta is not null and w.key is not null
  order by w.session_id
  on conflict (session_id) do update set seen_at = clock_timestamp();

  return query
  delete from serverless_realtime.presence p
  using unnest(p_sessions, keys, p_metas) as w (session_id, key, meta)
  where p.topic = p_topic and p.private = p_private and p.session_id = w.session_id and (w.meta is null or w.key is distinct from p.key)
  returning 'leave', p.session_id, p.key, p.ref, p.meta, null::bigint;
  get diagnostics counted = row_count;
  changes := changes + counted;

  return query
  update serverless_realtime.presence p
  set meta = w.meta
  from unnest(p_sessions, p_metas) as w (session_id, meta)
  where p.topic = p_topic and p.private = p_private and p.session_id = w.session_id and p.meta <> w.meta
  returning 'join', p.session_id, p.key, p.ref, p.meta, null::bigint;
  get diagnostics counted = row_count;
  changes := changes + counted;

  return query
  insert into serverless_realtime.presence as p (topic, private, session_id, key, ref, meta)
  select p_topic, p_private, w.session_id, w.key, w.ref, w.meta
  from unnest(p_sessions, keys, p_refs, p_metas) with ordinality as w (session_id, key, ref, meta, place)
  where w.meta is not null and w.key is not null
    and not exists (select from serverless_realtime.presence e where e.topic = p_topic and e.private = p_private and e.session_id = w.session_id)
  order by w.place
  returning 'join', p.session_id, p.key, p.ref, p.meta, null::bigint;
  get diagnostics counted = row_count;
  changes := changes + counted;

  if changes > 0 then
    return query select 'version', null::uuid, null::text, null::text, null::text, serverless_realtime.advance_presence(p_topic, p_private, changes);
  end if;
end $$;

-- Takes away up to so many members of a topic whose session has been silent for so long, or has left the topic. A heartbeat at this moment waits for us or we for it, and is then seen.
create function serverless_realtime.drop_presence(p_topic text, p_private boolean, p_silent interval, p_most int)
returns table (change text, session_id uuid, key text, ref text, meta text, version bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  gone uuid[];
  counted bigint;
begin
  select array_agg(l.session_id) into gone
  from (
    select s.session_id
    from serverless_realtime.presence p join serverless_realtime.presence_session s on s.session_id = p.session_id
    where p.topic = p_topic and p.private = p_private
      and (s.seen_at < clock_timestamp() - p_silent
        or not exists (
          select from serverless_realtime.channel c
          where c.session_id = p.session_id and c.topic = p_topic and c.private = p_private and c.left_at is null))
    order by s.session_id limit p_most for update of s) l;

  return query
  delete from serverless_realtime.presence p
  where p.topic = p_topic and p.private = p_private and p.session_id = any (gone)
  returning 'leave', p.session_id, p.key, p.ref, p.meta, null::bigint;
  get diagnostics counted = row_count;

  if counted > 0 then
    return query select 'version', null::uuid, null::text, null::text, null::text, serverless_realtime.advance_presence(p_topic, p_private, counted);
  end if;
end $$;
