-- Row-level security, asked for: what a table's policies are, whether they have changed, and what they say of rows that the log carried.

-- One text for each table; it changes whenever its policies, its flags, its owner, its columns, the privileges on it, the roles and their members,
-- the functions that its policies call, their schemas' privileges, or the labels of the enums that they cast to do, and not when its rows do. Policies' texts are in it because renaming what a policy
-- refers to leaves the policy's own row in the catalog alone.
create function serverless_realtime.policy_fingerprints(p_tables oid[])
returns table (table_oid oid, fingerprint text)
language plpgsql stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  shared text;
begin
  -- pg_authid is for superusers only, so the attributes of roles are taken by value.
  select pg_catalog.concat_ws(';',
    (select pg_catalog.string_agg(m::text, ',' order by m.roleid, m.member, m::text) from pg_catalog.pg_auth_members m),
    (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', r.oid, r.rolname, r.rolsuper, r.rolinherit, r.rolbypassrls), ',' order by r.oid) from pg_catalog.pg_roles r),
    (select pg_catalog.string_agg(f.oid || ' ' || f.xmin, ',' order by f.oid)
     from pg_catalog.pg_proc f join pg_catalog.pg_namespace n on n.oid = f.pronamespace where n.nspname = 'auth'),
    (select pg_catalog.concat_ws(' ', n.nspowner, n.nspacl) from pg_catalog.pg_namespace n where n.nspname = 'auth'))
  into shared;
  return query
  select c.oid, pg_catalog.md5(pg_catalog.concat_ws(';', shared,
    n.nspname, n.nspowner, n.nspacl, c.relname, c.relowner, c.relacl, c.relkind, c.relrowsecurity, c.relforcerowsecurity,
    (select pg_catalog.string_agg(a.attname || ' ' || a.xmin, ',' order by a.attnum) from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0),
    (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', p.oid, p.xmin, pg_catalog.pg_get_expr(p.polqual, p.polrelid)), ',' order by p.oid)
     from pg_catalog.pg_policy p where p.polrelid = c.oid),
    (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', f.oid, f.xmin, fn.nspowner, fn.nspacl), ',' order by f.oid)
     from pg_catalog.pg_policy p
     join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
     join pg_catalog.pg_proc f on d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass and f.oid = d.refobjid
     join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
     where p.polrelid = c.oid),
    (select pg_catalog.string_agg(e.oid || ' ' || e.xmin, ',' order by e.oid, p.oid)
     from pg_catalog.pg_policy p
     join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
     join pg_catalog.pg_type t on d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and t.oid = d.refobjid
     join pg_catalog.pg_enum e on e.enumtypid in (t.oid, t.typelem)
     where p.polrelid = c.oid)))
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid = any (p_tables);
exception when internal_error then
  -- A policy's text is made of the newest catalogs and the rest is of the caller's snapshot, so a column dropped in between is not found. No two such
  -- texts are alike: whoever compares reads anew.
  return query select t, 'in flux ' || pg_catalog.clock_timestamp() from pg_catalog.unnest(p_tables) t;
end $$;

-- Whether something that a table's policies reach may be computed when a statement is planned, although it depends on the claims: there is a function that is
-- marked immutable, neither built in nor in C, and the policies call functions whose doings are not known, by themselves or through operators, views, domains and the
-- policies of other tables. p_known: functions that read claims and nothing else, as oid and xmin. They are known no more once one of them has changed.
create function serverless_realtime.may_keep_claims(p_table oid, p_known text[])
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from pg_proc f join pg_language l on l.oid = f.prolang where f.oid >= 16384 and f.provolatile = 'i' and l.lanname not in ('internal', 'c'))
  then
    return false;
  end if;
  if exists (select from unnest(p_known) known where not exists (select from pg_proc f where f.oid = split_part(known, ' ', 1)::oid and f.xmin::text = split_part(known, ' ', 2))) then
    return true;
  end if;
  return exists (
    with recursive reached (class, object) as (
      select 'pg_class'::regclass::oid, p_table
      union
      select n.class, n.object
      from reached r,
        lateral (
          select d.refclassid as class, d.refobjid as object from pg_depend d
          where d.classid = r.class and d.objid = r.object
            and r.class in ('pg_policy'::regclass, 'pg_rewrite'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass)
          union all
          select 'pg_policy'::regclass, p.oid from pg_policy p where r.class = 'pg_class'::regclass and p.polrelid = r.object
          union all
          select 'pg_rewrite'::regclass, w.oid from pg_rewrite w where r.class = 'pg_class'::regclass and w.ev_class = r.object
          union all
          select 'pg_attrdef'::regclass, a.oid from pg_attrdef a join pg_attribute c on c.attrelid = a.adrelid and c.attnum = a.adnum
          where r.class = 'pg_class'::regclass and a.adrelid = r.object and c.attgenerated <> ''
          union all
          select 'pg_constraint'::regclass, c.oid from pg_constraint c where r.class = 'pg_type'::regclass and c.contypid = r.object
        ) n
    )
    select from reached r
    join pg_proc f on f.oid = r.object and r.class = 'pg_proc'::regclass
    join pg_language l on l.oid = f.prolang
    where f.oid >= 16384 and (l.lanname not in ('internal', 'c') or f.prokind <> 'f') and f.oid || ' ' || f.xmin <> all (p_known));
end $$;

-- Executes one statement for each claim set, as the role and with the claims set, and answers with its one text or with an SQLSTATE. Never several claim sets
-- in one execution: "(select auth.uid())" is computed once for each, and strangers' rows would leak.
--
-- The statement is prepared as the caller, since a stored policy needs no privilege on the schemas that it names, and executed as the role, which tables under
-- it and functions in it are then checked against; PostgreSQL plans it anew when the role or anything it was planned for has changed.
-- It takes rows from the setting serverless_realtime.images, a JSON array: p_rows are the objects, p_sets arrays of places among them, and p_set
-- chooses one for each claim set.
--
-- Whatever a policy's functions set or wrote for one claim set is undone before the next. Where a function that the policies reach might be computed when a
-- statement is planned, every claim set has plans of its own, those that PL/pgSQL keeps included: the first subscriber's claims would serve them all. Built-in
-- functions and those in C are taken at their word. Where that becomes so meanwhile, all have failed with 40001 and are to be asked again.
--
-- Answers come in order. There are fewer of them than claim sets when time runs out (statement_timeout, which the caller sets): one that
-- was begun in the first fifth of it and did not end in it has failed with 57014; one that was not begun is not answered.
-- The caller must roll back.
create function serverless_realtime.ask_policy(p_name text, p_statement text, p_role text, p_claims text[], p_set int[], p_sets text[], p_rows text[], p_table oid, p_known text[])
returns table (answer text, failure text)
language plpgsql
as $$
declare
  began constant timestamptz := clock_timestamp();
  time_limit constant interval := current_setting('statement_timeout')::interval;
  caller constant text := current_setting('role');
  prepare constant text := format('prepare %I as %s', p_name, p_statement);
  store constant text := format('create or replace function pg_temp.sr_policy() returns text language sql stable begin atomic %s; end', p_statement);
  fresh constant boolean := serverless_realtime.may_keep_claims(p_table, p_known);
  is_stored boolean := false;
  is_answered boolean;
  shared text;
  current_set int;
  claims jsonb;
begin
  begin
    if not exists (select from pg_prepared_statements where name = p_name) then
      if (select count(*) > 200 from pg_prepared_statements where name like 'sr\_policy\_%') then
        for shared in select name from pg_prepared_statements where name like 'sr\_policy\_%' loop
          execute format('deallocate %I', shared);
        end loop;
        shared := null;
      end if;
      execute prepare;
    end if;
  exception when others then
    shared := sqlstate;
  end;
  if shared is null then
    begin
      perform set_config('role', p_role, true);
    exception when others then
      shared := 'SR002';
    end;
  end if;
  if shared is not null then
    return query select null::text, shared from unnest(p_claims);
    return;
  end if;

  for i in 1 .. cardinality(p_claims) loop
    if p_set[i] is distinct from current_set then
      current_set := p_set[i];
      perform set_config(
        'serverless_realtime.images',
        '[' || (select string_agg(p_rows[place], ',' order by n) from unnest(p_sets[current_set]::int[]) with ordinality as member (place, n)) || ']',
        true);
    end if;

    loop
      answer := null;
      failure := null;
      is_answered := false;
      begin
        claims := p_claims[i]::jsonb;
        perform
          set_config('request.jwt.claims', p_claims[i], true),
          set_config('request.jwt.claim.sub', coalesce(claims ->> 'sub', ''), true),
          set_config('request.jwt.claim.role', coalesce(claims ->> 'role', ''), true),
          set_config('request.jwt.claim.email', coalesce(claims ->> 'email', ''), true);
        if fresh then
          perform set_config('role', caller, true);
          execute format('deallocate %I', p_name);
          execute 'discard plans';
          execute prepare;
          perform set_config('role', p_role, true);
        end if;
        if is_stored then
          execute 'select pg_temp.sr_policy()' into answer;
        else
          execute format('execute %I', p_name) into answer;
        end if;
        is_answered := true;
        raise exception using errcode = 'SR000';
      exception
        when query_canceled then
          -- Whoever else cancels means the whole statement.
          if clock_timestamp() - began < time_limit * 0.9 then
            raise;
          end if;
          failure := '57014';
          exit;
        when others then
          exit when is_answered;
          failure := sqlstate;
          exit when sqlstate <> '42501' or is_stored;
      end;

      -- Tables under row-level security make PostgreSQL read a prepared statement's text again, as the role, which may lack privileges on the schemas
      -- that the text names. The names in a function's stored body are looked up once, as the caller, like a policy's own. Such a function depends on
      -- what it names and would stand in the way of whoever drops that, so none is kept.
      begin
        perform set_config('role', caller, true);
        execute store;
        perform set_config('role', p_role, true);
        is_stored := true;
      exception when others then
        exit;
      end;
    end loop;
    return next;
    exit when failure = '57014' or clock_timestamp() - began > time_limit / 5;
  end loop;
  perform set_config('role', caller, true);
  if fresh then
    execute format('deallocate %I', p_name);
    execute 'discard plans';
  elsif serverless_realtime.may_keep_claims(p_table, p_known) then
    raise exception 'functions were changed while they were called' using errcode = '40001';
  end if;
end $$;

revoke execute on function serverless_realtime.ask_policy(text, text, text, text[], int[], text[], text[], oid, text[]) from public;
revoke execute on function serverless_realtime.may_keep_claims(oid, text[]) from public;
