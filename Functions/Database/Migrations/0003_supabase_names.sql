-- The names that users of Supabase know, made where absent. On a database of Supabase's own these schemas belong to Supabase and are
-- left alone; serverless_realtime.enable is there everywhere.

create function serverless_realtime.enable(p_table regclass, p_full boolean default false)
returns text
language plpgsql
as $$
declare
  identities "char"[];
  partition regclass;
begin
  if not exists (
    select from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
    where p.pubname = 'supabase_realtime' and r.prrelid = p_table
    union all
    select from pg_publication p where p.pubname = 'supabase_realtime' and p.puballtables
  ) then
    execute format('alter publication supabase_realtime add table %s', p_table);
  end if;
  if p_full then
    execute format('alter table %s replica identity full', p_table);
    -- A partition logs by its own identity, whatever its root's is.
    for partition in select relid from pg_partition_tree(p_table) where relid <> p_table loop
      execute format('alter table %s replica identity full', partition);
    end loop;
  end if;

  select coalesce(array_agg(distinct c.relreplident), '{}') into identities
  from pg_class c
  where c.oid in (select p.relid from pg_partition_tree(p_table) p where p.isleaf union select p_table where not exists (select from pg_partition_tree(p_table) p where p.isleaf));
  return case
    when identities = '{f}' then format('%s is published. Old rows are whole: updates and deletes write them to the log in full.%s', p_table,
      case when exists (select from pg_class c where c.oid = p_table and c.relkind = 'p') then ' A partition that is made later needs a replica identity of its own.' else '' end)
    when 'n' = any (identities) then format('%s is published. It has no replica identity: UPDATE and DELETE on it fail until it has a primary key or "replica identity full".', p_table)
    else format('%s is published. Old rows carry the key only, so a DELETE can be filtered by key columns alone; pass true as the second argument for whole old rows, which every update then writes to the log.', p_table)
  end;
end $$;

do $$
begin
  if exists (select from pg_roles where rolname = 'supabase_admin') then
    return;
  end if;

  create schema if not exists realtime;
  grant usage on schema realtime to public;
  if to_regprocedure('realtime.enable(regclass,boolean)') is null then
    create function realtime.enable(p_table regclass, p_full boolean default false)
    returns text language sql
    as 'select serverless_realtime.enable(p_table, p_full)';
  end if;

  create schema if not exists auth;
  grant usage on schema auth to public;
  if to_regprocedure('auth.jwt()') is null then
    create function auth.jwt() returns jsonb language sql stable
    as $f$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $f$;
  end if;
  if to_regprocedure('auth.uid()') is null then
    create function auth.uid() returns uuid language sql stable
    as $f$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $f$;
  end if;
  if to_regprocedure('auth.role()') is null then
    create function auth.role() returns text language sql stable
    as $f$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $f$;
  end if;
end $$;
