namespace Serverless.Subscriptions.Visibility;

/// <summary>A policy's condition, and what it reads of the row itself.</summary>
/// <param name="Using">SQL in which <c>{t}</c> stands for the table, <c>{f}</c> for the schema of functions and <c>{m}</c> for the table of memberships.</param>
internal sealed record RandomPolicy(string Using, IReadOnlySet<string> Columns)
{
    /// <summary>Whether it fails for some rows, or is found not to matter before it does: which one is the server's choice.</summary>
    public bool MayFail => Using.Contains("lenient_ratio", StringComparison.Ordinal);

    /// <summary>Whether it fails for this subscriber, whatever the row, unless it is found not to matter before it does.</summary>
    public bool MayFailFor(RandomSubscriber subscriber) =>
        Using.Contains("guard", StringComparison.Ordinal) && subscriber.Claims.TryGetValue("sub", out var subject) && (string)subject == RandomTable.Users[0];

    public static RandomPolicy Make(Random random, RandomTable table)
    {
        var any = random.Next(13) < 7 ? Common(random) : Rare(random, table);
        return random.Next(6) == 0 ? any.With(random.Next(2) == 0 ? "or" : "and", Common(random)) : any;
    }

    private static RandomPolicy Common(Random random) => random.Next(11) switch
    {
        0 => Of("user_id = auth.uid()", "user_id"),
        1 => Of("user_id = (select auth.uid())", "user_id"),
        2 => Of("(select auth.uid()) = user_id", "user_id"),
        3 => Of("tenant = (auth.jwt() ->> 'tenant')", "tenant"),
        4 => Of("tenant = (auth.jwt() -> 'app_metadata' ->> 'tenant')", "tenant"),
        5 => Of("exists (select 1 from {m} m where m.tenant = {t}.tenant and m.user_id = (select auth.uid()))", "tenant"),
        6 => Of("tenant in (select m.tenant from {m} m)", "tenant"),
        7 => Of("tenant = any (array(select jsonb_array_elements_text(auth.jwt() -> 'tenants')))", "tenant"),
        8 => Of("true"),
        9 => Of("b", "b"),
        _ => Of("id % 2 = 0", "id"),
    };

    // Conditions that are true where a column is absent by mistake, that read what the log does not carry, or that fail.
    private static RandomPolicy Rare(Random random, RandomTable table) => random.Next(25) switch
    {
        0 => Of("big is null or big = 'small'", "big"),
        1 => Of("user_id is null", "user_id"),
        2 => Of("b is not true", "b"),
        3 => Of("not (n > 1)", "n"),
        4 => Of("auth.role() like '%user'"),
        5 => Of("(auth.jwt() ->> 'level')::int >= n", "n"),
        6 => Of("{f}.lenient_ratio(n) > 1", "n"),
        7 => Of("to_jsonb({t}.*) ->> 'tenant' = auth.jwt() ->> 'tenant'", [.. table.Columns.Select(column => column.Name)]),
        8 => Of("{f}.is_member(tenant)", "tenant"),
        9 => Of("tenant = (select auth.jwt() ->> 'tenant')", "tenant"),
        10 => Of("tenant <> (auth.jwt() ->> 'tenant')", "tenant"),
        11 => Of("n between -1 and 2", "n"),
        12 => Of("(user_id)::text = (auth.jwt() ->> 'sub')", "user_id"),
        13 => Of("current_user <> 'nobody'"),
        14 => Of("(select count(*) from {m}) > 1"),
        15 => Of("false"),
        16 => Of("coalesce(length(big), 0) < 100", "big"),
        17 => Of("tenant is null or tenant in (select m.tenant from {m} m)", "tenant"),
        18 => Of("user_id is distinct from (select auth.uid())", "user_id"),
        19 => Of("(n > 1 and b) is not true", "n", "b"),
        20 => Of("user_id = {f}.me_fast()", "user_id"),
        21 => Of("{f}.is_mine(user_id)", "user_id"),
        22 => Of("tenant = 't1' and user_id = {f}.me_once()", "tenant", "user_id"),
        23 => Of("{f}.guard() and n is not null", "n"),
        _ => table.Find("g") is null ? Of("n is null", "n") : Of("g >= 2", "g"),
    };

    private static RandomPolicy Of(string condition, params string[] columns) => new(condition, columns.ToHashSet());

    private RandomPolicy With(string joined, RandomPolicy other) => new($"({Using}) {joined} ({other.Using})", Columns.Union(other.Columns).ToHashSet());
}
