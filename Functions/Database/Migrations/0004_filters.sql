-- Decides boolean expressions over row images, for what the app cannot compare in memory. Each expression reads its columns from the image by their
-- types and collations in the table as it is now; types and operators in it are written with their schemas.
--
-- p_columns: for each expression a JSON array of the columns it reads. p_images: JSON objects. p_asked: for each expression the numbers of
-- its images, as int[] literals. Verdicts come in that order; one is null where the expression raised an error, whose SQLSTATE is then in "failure".
create function serverless_realtime.ask_filters(p_table oid, p_sql text[], p_columns text[], p_images text[], p_asked text[])
returns table (question int, verdicts boolean[], failure text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  names text[];
  definition text;
  statement text;
  images text[];
  one boolean[];
begin
  for q in 1 .. coalesce(cardinality(p_sql), 0) loop
    question := q - 1;
    verdicts := '{}';
    failure := null;
    images := array(select p_images[n] from unnest(p_asked[q]::int[]) with ordinality as asked (n, place) order by place);

    names := array(select jsonb_array_elements_text(p_columns[q]::jsonb));
    select string_agg(
      format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod), ' collate ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname)), ', ')
    into definition
    from pg_attribute a
    left join pg_collation l on l.oid = a.attcollation
    left join pg_namespace n on n.oid = l.collnamespace
    where a.attrelid = p_table and a.attname = any (names) and a.attnum > 0 and not a.attisdropped
    having count(*) = cardinality(names);

    if definition is null then
      -- A column that is no longer there must not be looked for further out.
      verdicts := array_fill(null::boolean, array[cardinality(images)]);
      failure := '42703';
      return next;
      continue;
    end if;

    statement := format(
      'select array_agg(coalesce((select %s from jsonb_to_record(i.image::jsonb) as r (%s)), false) order by i.place) from unnest($1) with ordinality as i (image, place)',
      p_sql[q], definition);
    begin
      execute statement into verdicts using images;
      verdicts := coalesce(verdicts, '{}');
    exception when others then
      -- One image at a time, so that the error stays with the image that causes it.
      verdicts := '{}';
      for i in 1 .. cardinality(images) loop
        begin
          execute statement into one using images[i:i];
          verdicts := verdicts || one;
        exception when others then
          verdicts := verdicts || null::boolean;
          failure := coalesce(failure, sqlstate);
        end;
      end loop;
    end;
    return next;
  end loop;
end $$;

revoke all on function serverless_realtime.ask_filters(oid, text[], text[], text[], text[]) from public;
