-- What a topic's presence may come to. Members and their bytes are counted with each change, under the topic's lock: to add them up anew would cost each change as much as there are members. They are
-- emptied by a crash together with what they count.
alter table serverless_realtime.presence_topic add column members int not null default 0, add column bytes bigint not null default 0;
update serverless_realtime.presence_topic t
set (members, bytes) = (
  select count(*), coalesce(sum(octet_length(p.key) + octet_length(p.meta)), 0) from serverless_realtime.presence p where p.topic = t.topic and p.private = t.private);

drop function serverless_realtime.advance_presence(text, boolean, bigint);
drop function serverless_realtime.change_presence(text, boolean, uuid[], text[], text[]);

-- Counts changes of a topic, and what they add to it or take from it, making it where it is not there, and returns its version after them.
create function serverless_realtime.advance_presence(p_topic text, p_private boolean, p_by bigint, p_members int default 0, p_bytes bigint default 0)
returns bigint
language plpgsql
as $$
declare
  advanced bigint;
begin
  loop
    update serverless_realtime.presence_topic t
    set version = t.version + p_by, untold_since = coalesce(t.untold_since, clock_timestamp()), changed_at = clock_timestamp(),
        members = t.members + p_members, bytes = t.bytes + p_bytes
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
-- Who has not joined the topic, or with a token that is over, is refused: asked here, so that a session which ends at this moment leaves nobody behind. So is who would be one too many, or tell too
-- much; who is there already stays as he is. A process of the version before names no limits and has none.
create function serverless_realtime.change_presence(
  p_topic text, p_private boolean, p_sessions uuid[], p_refs text[], p_metas text[], p_most_members int default 2147483647, p_most_bytes bigint default 9223372036854775807)
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
  members_before int;
  bytes_before bigint;
  members_added int := 0;
  bytes_added bigint := 0;
  grows bigint;
begin
  select t.members, t.bytes into members_before, bytes_before from serverless_realtime.presence_topic t where t.topic = p_topic and t.private = p_private;
  members_before := coalesce(members_before, 0);
  bytes_before := coalesce(bytes_before, 0);

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
    end if;

    select * into was from serverless_realtime.presence p where p.topic = p_topic and p.private = p_private and p.session_id = wanted.session_id;
    if found and (wanted.meta is null or was.key <> own_key) then
      delete from serverless_realtime.presence p where p.topic = p_topic and p.private = p_private and p.session_id = wanted.session_id;
      change := 'leave';
      key := was.key;
      ref := was.ref;
      meta := was.meta;
      changes := changes + 1;
      members_added := members_added - 1;
      bytes_added := bytes_added - octet_length(was.key) - octet_length(was.meta);
      return next;
      was := null;
    end if;
    continue when wanted.meta is null;

    if was.ref is null and members_before + members_added >= p_most_members then
      change := 'too many';
      return next;
      continue;
    end if;
    grows := octet_length(wanted.meta) - coalesce(octet_length(was.meta), -octet_length(own_key));
    if grows > 0 and bytes_before + bytes_added + grows > p_most_bytes then
      change := 'too large';
      return next;
      continue;
    end if;
    present := present || wanted.session_id;
    continue when wanted.meta = was.meta;

    change := 'join';
    key := own_key;
    ref := coalesce(was.ref, wanted.ref);
    meta := wanted.meta;
    changes := changes + 1;
    bytes_added := bytes_added + grows;
    if was.ref is null then
      members_added := members_added + 1;
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
    version := serverless_realtime.advance_presence(p_topic, p_private, changes, members_added, bytes_added);
    return next;
  end if;
end $$;

-- Takes away up to so many members of a topic whose session has been silent for so long, or has left the topic. A heartbeat at this moment waits for us or we for it, and is then seen.
create or replace function serverless_realtime.drop_presence(p_topic text, p_private boolean, p_silent interval, p_most int)
returns table (change text, session_id uuid, key text, ref text, meta text, version bigint)
language plpgsql
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  gone uuid[];
  counted int := 0;
  freed bigint := 0;
begin
  gone := array(
    select p.session_id from serverless_realtime.presence p
    where p.topic = p_topic and p.private = p_private
      and ((select s.seen_at from serverless_realtime.presence_session s where s.session_id = p.session_id) < clock_timestamp() - p_silent
        or (select c.left_at is null from serverless_realtime.channel c where c.session_id = p.session_id and c.topic = p_topic and c.private = p_private) is not true)
    order by p.session_id limit p_most);
  perform from serverless_realtime.presence_session s where s.session_id = any (gone) order by s.session_id for update;

  for session_id, key, ref, meta in
    delete from serverless_realtime.presence p
    where p.topic = p_topic and p.private = p_private and p.session_id = any (gone)
      and ((select s.seen_at from serverless_realtime.presence_session s where s.session_id = p.session_id) < clock_timestamp() - p_silent
        or (select c.left_at is null from serverless_realtime.channel c where c.session_id = p.session_id and c.topic = p_topic and c.private = p_private) is not true)
    returning p.session_id, p.key, p.ref, p.meta
  loop
    change := 'leave';
    counted := counted + 1;
    freed := freed + octet_length(key) + octet_length(meta);
    return next;
  end loop;

  if counted > 0 then
    change := 'version';
    session_id := null;
    key := null;
    ref := null;
    meta := null;
    version := serverless_realtime.advance_presence(p_topic, p_private, counted, -counted, -freed);
    return next;
  end if;
end $$;
