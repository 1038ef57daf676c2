-- Decides boolean expressions over row images, for what the app cannot compare in memory. Each expression reads its columns from the image by their
-- types and collations in the table as it is now; types and operators in it are written with their schemas.
--
-- p_columns: for each expression a JSON array of the columns it reads. p_images: JSON objects. p_asked: for each expression the numbers of
-- its images, as int[] literals. Verdicts come in that order; one is null where the expression raised an error, whose SQLSTATE is then in "failure".
-- Neighbours that read the same columns of the same images share a statement, which takes each image apart once; where that fails, each is tried alone.
create function serverless_realtime.ask_filters(p_table oid, p_sql text[], p_columns text[], p_images text[], p_asked text[])
returns table (question int, verdicts boolean[], failure text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  most constant int := 50;
  total int := coalesce(cardinality(p_sql), 0);
  first int := 1;
  last int;
  names text[];
  definition text;
  images text[];
  matrix boolean[];
begin
  while first <= total loop
    last := first;
    while last < total and last - first + 1 < most and p_columns[last + 1] = p_columns[first] and p_asked[last + 1] = p_asked[first] loop
      last := last + 1;
    end loop;

    images := array(select p_images[n] from unnest(p_asked[first]::int[]) with ordinality as asked (n, place) order by place);
    names := array(select jsonb_array_elements_text(p_columns[first]::jsonb));
    select string_agg(
      format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod), ' collate ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname)), ', ')
    into definition
    from pg_attribute a
    left join pg_collation l on l.oid = a.attcollation
    left join pg_namespace n on n.oid = l.collnamespace
    where a.attrelid = p_table and a.attname = any (names) and a.attnum > 0 and not a.attisdropped
    having count(*) = cardinality(names);

    matrix := null;
    if last > first and definition is not null and cardinality(images) > 0 then
      begin
        execute format(
          'select array[%s] from (select (select array[%s] from jsonb_to_record(i.image::jsonb) as r (%s)) as v '
          'from unnest($1) with ordinality as i (image, place) order by i.place) as s',
          (select string_agg(format('array_agg(s.v[%s])', n), ', ' order by n) from generate_series(1, last - first + 1) as n),
          (select string_agg(format('coalesce((%s), false)', e), ', ' order by n) from unnest(p_sql[first:last]) with ordinality as x (e, n)),
          definition)
        into matrix using images;
      exception when others then
        matrix := null;
      end;
    end if;

    for q in first .. last loop
      question := q - 1;
      if matrix is not null then
        verdicts := array(select unnest(matrix[q - first + 1 : q - first + 1]));
        failure := null;
      elsif definition is null then
        -- A column that is no longer there must not be looked for further out.
        verdicts := array_fill(null::boolean, array[cardinality(images)]);
        failure := '42703';
      else
        select a.verdicts, a.failure into verdicts, failure from serverless_realtime.ask_filter(p_sql[q], definition, images) as a;
      end if;
      return next;
    end loop;
    first := last + 1;
  end loop;
end $$;

-- One expression over images, with the columns' definitions at hand.
create function serverless_realtime.ask_filter(p_sql text, p_definition text, p_images text[], out verdicts boolean[], out failure text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  statement constant text := format(
    'select array_agg(coalesce((select %s from jsonb_to_record(i.image::jsonb) as r (%s)), false) order by i.place) from unnest($1) with ordinality as i (image, place)',
    p_sql, p_definition);
  one boolean[];
begin
  begin
    execute statement into verdicts using p_images;
    verdicts := coalesce(verdicts, '{}');
    return;
  exception when others then
    verdicts := '{}';
  end;

  -- One image at a time, so that the error stays with the image that causes it.
  for i in 1 .. cardinality(p_images) loop
    begin
      execute statement into one using p_images[i:i];
      verdicts := verdicts || one;
    exception when others then
      verdicts := verdicts || null::boolean;
      failure := coalesce(failure, sqlstate);
    end;
  end loop;
end $$;

revoke all on function serverless_realtime.ask_filters(oid, text[], text[], text[], text[]) from public;
revoke all on function serverless_realtime.ask_filter(text, text, text[]) from public;
