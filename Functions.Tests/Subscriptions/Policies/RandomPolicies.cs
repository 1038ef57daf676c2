namespace Serverless.Subscriptions.Policies;

/// <summary>Makes tables' policies, rows and claims from a seed.</summary>
internal sealed class RandomPolicies(int seed)
{
    public const string Schema =
        """
        create role staff_DB nologin;
        grant staff_DB to authenticated;
        create role stranger_DB nologin;
        create type mood as enum ('sad', 'ok');
        create domain label as text check (value <> 'forbidden');
        create table t (
          id int primary key, user_id uuid, org text, level int, big bigint, tag varchar(20), status mood, ok boolean, amount numeric, ch char(4),
          data jsonb, made timestamptz, day date, "Odd name" smallint, lab label, list int[]);
        alter table t enable row level security;
        grant select on t to authenticated, anon;
        create table memberships (room int, user_id uuid);
        alter table memberships enable row level security;
        create policy own on memberships using (user_id = (select auth.uid()));
        grant select on memberships to authenticated;
        create table rooms (id int, name text);
        alter table rooms enable row level security;
        create policy named on rooms using (name is not null);
        grant select on rooms to authenticated;
        create schema private;
        create table private.admins (user_id uuid);
        create function private.is_admin() returns boolean language sql stable security definer as 'select exists (select from private.admins where user_id = auth.uid())';
        create function public.same_level(t) returns boolean language sql stable as 'select $1.level = $1."Odd name"';
        create function public.longer(text) returns boolean language plpgsql stable as 'begin return length($1) > 1; end';
        """;

    private static readonly string[] _subjects =
        ["7d3c1a52-0000-4000-8000-000000000001", "7d3c1a52-0000-4000-8000-000000000002", "7d3c1a52-0000-4000-8000-000000000003"];

    private static readonly string[] _atoms =
    [
        "user_id = auth.uid()", "user_id = (select auth.uid())", "auth.uid() = user_id", "user_id <> auth.uid()", "user_id::text = (auth.jwt() ->> 'sub')",
        "org = (auth.jwt() ->> 'org')", "org = (auth.jwt() -> 'app' ->> 'org')", "org = ((select auth.jwt()) #>> '{app,org}')", "org <> 'acme'", "org in ('acme', 'o''b')",
        "org not in ('acme', 'x')", "tag in ('a', 'b ')", "tag = 'a'", "tag = (auth.jwt() ->> 'org')", "level = (auth.jwt() ->> 'level')::int", "level = (auth.jwt() ->> 'level')::bigint",
        "big = (auth.jwt() ->> 'level')::int", "big = any (array[1, 2])", "level = any ('{1,2,NULL}'::int[])", "level <> all ('{1,NULL}'::int[])", "not (level = any ('{}'::int[]))",
        "level::text = (auth.jwt() ->> 'level')", "big::text <> (auth.jwt() ->> 'level')", "level >= 2", "level < (auth.jwt() ->> 'level')::int", "2 < level", "level between 1 and 2", "amount > 1.5", "amount = 1.5", "amount <= 2",
        "made < '2026-01-01'", "made = '2025-06-01 00:00+00'", "day >= '2025-01-01'", "day = made", "status = 'ok'", "status::text = 'ok'", "status = (auth.jwt() ->> 'mood')::mood", "status > 'sad'", "ok", "not ok", "ok is true", "ok is not true", "ok is false",
        "ok is unknown", "ok = true", "ok = (auth.jwt() ->> 'flag')::boolean", "ch = 'ab'", "ch::text = 'ab'", "\"Odd name\" = 1", "\"Odd name\" = -1", "\"Odd name\" = 70000", "user_id is null", "org is not null", "not (org is null)", "lab = 'l'", "lab = (auth.jwt() ->> 'org')",
        "auth.role() = 'authenticated'", "(auth.jwt() ->> 'flag')::boolean", "not (auth.jwt() ->> 'flag')::boolean", "auth.uid() is not null", "auth.jwt() ? 'org'", "true", "false",
        "coalesce(auth.jwt() ->> 'org', 'acme') = org", "nullif(auth.jwt() ->> 'org', 'acme') = org", "user_id = any (array[auth.uid()])", "(current_setting('request.jwt.claims', true)::json ->> 'org') = org",

        // Only PostgreSQL evaluates these.
        "exists (select from memberships m where m.room = t.level)", "exists (select from memberships m where m.room = level and m.user_id = auth.uid())",
        "level in (select room from memberships)", "exists (select from rooms r where r.id = t.level and r.name = t.org)", "private.is_admin()", "same_level(t)", "longer(org)", "org like 'a%'", "org is distinct from 'acme'",
        "data ->> 'k' = org", "data @> '{\"k\": 1}'", "list @> array[1]", "cardinality(list) = 2", "(select count(*) from memberships) = level", "case when ok then level = 1 else org = 'acme' end", "lower(org) = 'acme'", "t.* is not null",
        "org = (auth.jwt() ->> 'org') collate \"C\"", "(level = 1) = ok", "made < now()", "current_user = 'authenticated'",
    ];

    private readonly Random _random = new(seed);

    public string[] Policies(string suffix)
    {
        var policies = new List<string>();
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            policies.Add(Policy(i, "permissive", suffix));
        }

        for (var i = _random.Next(0, 3); i > 0; i--)
        {
            policies.Add(Policy(i, "restrictive", suffix));
        }

        return [.. policies];
    }

    public string Row(int id) =>
        $"""
        insert into t values ({id}, {Pick([.. _subjects.Select(s => $"'{s}'"), "null"])}, {Pick("'acme'", "'o''b'", "'x'", "null", "''", "'äö'")}, {Pick("1", "2", "3", "null")}, {Pick("1", "2", "null", "9007199254740993")},
          {Pick("'a'", "'b '", "'acme'", "null")}, {Pick("'sad'", "'ok'", "null")}, {Pick("true", "false", "null")}, {Pick("1.5", "1.50", "2", "null", "'NaN'")}, {Pick("'ab'", "'a'", "null")},
          {Pick("'{\"k\": 1}'", "'{\"k\": \"acme\"}'", "'[1]'", "'{}'")}, {Pick("'2025-06-01 00:00+00'", "'2026-06-01'", "null", "'infinity'")}, {Pick("'2025-06-01'", "'2024-01-01'", "null")}, {Pick("1", "-1", "2", "null")},
          {Pick("'l'", "'acme'", "null")}, {Pick("'{1,2}'", "'{}'", "null")})
        """;

    public string Claims() =>
        $$"""
        {"role":"authenticated"{{Pick([.. _subjects.Select(s => $",\"sub\":\"{s}\""), ""])}}{{Pick(",\"org\":\"acme\"", ",\"org\":\"o'b\"", "", ",\"org\":null", ",\"org\":\"äö\"")}}{{Pick(",\"level\":\"1\"", ",\"level\":2", ",\"level\":\"02\"", "")}}{{Pick(",\"flag\":true", ",\"flag\":\"f\"", "")}}{{Pick(",\"mood\":\"ok\"", "")}}{{Pick(",\"app\":{\"org\":\"acme\"}", "")}}}
        """;

    public string Helpers() =>
        $"""
        truncate memberships, rooms, private.admins;
        insert into memberships select r, u::uuid from generate_series(1, 3) r, unnest(array['{string.Join("','", _subjects)}']) u where (r + ascii(right(u, 1))) % {_random.Next(2, 4)} = 0;
        insert into rooms values (1, 'acme'), (2, null), (3, 'x');
        insert into private.admins values ('{Pick(_subjects)}');
        """;

    private string Policy(int number, string kind, string suffix) =>
        $"create policy {kind}{number} on t as {kind} for {Pick("all", "select", "select", "update")} to {Pick("public", "public", "authenticated", "staff_" + suffix, "stranger_" + suffix, "anon")} using ({Expression(2)})";

    private string Expression(int depth) => depth == 0 ? Pick(_atoms) : _random.Next(6) switch
    {
        0 or 1 => $"({Expression(depth - 1)}) and ({Expression(depth - 1)})",
        2 or 3 => $"({Expression(depth - 1)}) or ({Expression(depth - 1)})",
        4 => $"not ({Expression(depth - 1)})",
        _ => Pick(_atoms),
    };

    private string Pick(params string[] choices) => choices[_random.Next(choices.Length)];
}
