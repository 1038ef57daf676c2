-- The oracle: what a role with these claims sees of row images, as PostgreSQL itself says by selecting from a table that holds them.
create schema oracle;

-- The images that pass the policies and the condition. Role and claims hold for this call; an error puts them back by itself.
create function oracle.look(p_images text, p_role text, p_claims text, p_condition text) returns bigint[] language plpgsql as $$
declare
  seen bigint[];
begin
  -- Nothing that a function kept of other claims.
  execute 'discard plans';
  perform set_config('app.me', '', true);
  perform set_config('request.jwt.claims', p_claims, true), set_config('role', p_role, true);
  execute format('select coalesce(array_agg(_seq), ''{}'') from %s where %s', p_images, p_condition) into seen;
  perform set_config('role', 'none', true);
  return seen;
end $$;

-- The same of one image alone, with the others out of the way, since an image for which a policy fails would fail them all.
-- Null where it fails.
create function oracle.look_at(p_images text, p_role text, p_claims text, p_condition text, p_seq bigint) returns boolean language plpgsql as $$
declare
  seen text;
begin
  execute format('delete from %s where _seq <> $1', p_images) using p_seq;
  raise exception 'seen' using errcode = 'OR001', detail = cardinality(oracle.look(p_images, p_role, p_claims, p_condition));
exception
  when sqlstate 'OR001' then
    get stacked diagnostics seen = pg_exception_detail;
    return seen <> '0';
  when others then
    return null;
end $$;

-- Whether an image for which something fails would be seen had that said nothing instead: other claims, no error of a policy's
-- function, and of a table that the role may not read no rows.
create function oracle.may_see(p_images text, p_other text, p_role text, p_claims text, p_condition text, p_seq bigint) returns boolean language plpgsql as $$
declare
  seen boolean;
begin
  perform set_config('oracle.lenient', 'on', true);
  if oracle.look_at(p_images, p_role, p_claims, p_condition, p_seq) then
    perform set_config('oracle.lenient', '', true);
    return true;
  end if;
  begin
    execute format('delete from %s', p_other);
    execute format('grant select on %s to public', p_other);
    raise exception 'seen' using errcode = 'OR002', detail = coalesce(oracle.look_at(p_images, p_role, p_claims, p_condition, p_seq), false);
  exception when sqlstate 'OR002' then
    get stacked diagnostics seen = pg_exception_detail;
  end;
  perform set_config('oracle.lenient', '', true);
  return seen;
end $$;

-- sure: seen without doubt. doubtful: something failed, and would have been seen had it said nothing instead.
create function oracle.judge(
  p_images text, p_other text, p_role text, p_claims text, p_mended_claims text, p_condition text,
  out sure bigint[], out doubtful bigint[], out failed boolean) language plpgsql as $$
declare
  one bigint;
begin
  failed := false;
  doubtful := '{}';
  begin
    sure := oracle.look(p_images, p_role, p_claims, p_condition);
    return;
  exception when others then
    failed := true;
    sure := '{}';
  end;
  for one in execute format('select _seq from %s', p_images) loop
    case oracle.look_at(p_images, p_role, p_claims, p_condition, one)
      when true then sure := sure || one;
      when false then null;
      else
        if oracle.may_see(p_images, p_other, p_role, p_mended_claims, p_condition, one) then
          doubtful := doubtful || one;
        end if;
    end case;
  end loop;
end $$;

-- What a role may do with the table itself, whatever its rows.
create function oracle.rights(p_table text, p_role text, out readable text[], out guarded boolean, out policies text[]) language plpgsql as $$
declare
  tab oid := p_table::regclass;
begin
  readable := array(
    select a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
    where a.attrelid = tab and a.attnum > 0 and not a.attisdropped
      and has_schema_privilege(p_role, c.relnamespace, 'usage') and has_column_privilege(p_role, tab, a.attname, 'select'));
  policies := array(
    select p.polname from pg_policy p
    where p.polrelid = tab and p.polcmd in ('r', '*')
      and (0 = any (p.polroles) or exists (select from unnest(p.polroles) member where pg_has_role(p_role, member, 'usage'))));
  perform set_config('role', p_role, true);
  guarded := row_security_active(tab);
  perform set_config('role', 'none', true);
end $$;
