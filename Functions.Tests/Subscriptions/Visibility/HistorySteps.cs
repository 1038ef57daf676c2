namespace Serverless.Subscriptions.Visibility;

/// <summary>What can happen in a history.</summary>
internal static class HistorySteps
{
    private static readonly string[] _memberBodies =
    [
        "exists (select from {m} m where m.tenant = $1 and m.user_id = auth.uid())", "$1 = 't1'", "$1 = auth.jwt() ->> 'tenant'",
    ];

    public static async Task BeginAsync(History history, Random random)
    {
        var (stage, table) = (history.Stage, history.Table);
        var roles = string.Join(", ", stage.Roles.Append(stage.Team));
        await stage.ExecuteAsync(
            $"""
            {table.Create(stage.Schema)}
            create table {stage.Shadow}.{table.Name} (like {stage.Schema}.{table.Name});
            alter table {stage.Shadow}.{table.Name} add _seq bigint;
            grant select (_seq) on {stage.Shadow}.{table.Name} to public;
            create trigger keep after insert or update or delete on {stage.Schema}.{table.Name} for each row execute function {stage.Shadow}.keep();
            grant select on {stage.Schema}.{table.Name}, {stage.Schema}.members to {stage.Everything};
            grant usage on schema {stage.Schema}, {stage.Shadow} to {roles};
            grant select on {stage.Schema}.members to {roles};
            grant {stage.Team} to {stage.Roles[1]};
            truncate {stage.Schema}.members, {stage.Shadow}.log;
            alter table {stage.Schema}.members disable row level security;
            drop policy if exists own on {stage.Schema}.members;
            create policy own on {stage.Schema}.members using (user_id = auth.uid());
            {history.Fill(Member(_memberBodies[0]), stage.Schema)};
            """);
        await history.ChangeRightsAsync(random.Next(4) == 0 ? "grant select on {t} to public" : $"grant select on {{t}} to {roles}", drain: false);
        if (random.Next(12) == 0)
        {
            await history.ChangeRightsAsync($"alter table {{t}} owner to {stage.Roles[^1]}", drain: false);
        }

        if (random.Next(4) > 0)
        {
            await history.ChangeRightsAsync("alter table {t} enable row level security", drain: false);
            for (var i = random.Next(4); i >= 0; i--)
            {
                await CreatePolicyAsync(history, random, isFirst: i == 0);
            }
        }

        await ChangeMembershipAsync(history, random);
        if (random.Next(2) == 0)
        {
            await history.ChangeRightsAsync("alter table {m} enable row level security", drain: false);
        }

        // Some rows are there, or on their way, before anybody listens.
        await RandomWrites.WriteAsync(history, random);
    }

    public static async Task EndAsync(History history)
    {
        var (stage, table) = (history.Stage, history.Table);
        await stage.ExecuteAsync($"rollback; drop table if exists {stage.Schema}.{table.Name}, {stage.Shadow}.{table.Name} cascade");
    }

    public static Task TakeAsync(History history, Random random) => random.Next(100) switch
    {
        < 55 => RandomWrites.WriteAsync(history, random),
        < 67 => ChangePolicyAsync(history, random),
        < 75 => ChangePrivilegeAsync(history, random),
        < 80 => ChangeMembershipAsync(history, random),
        < 84 => ChangeSurroundingsAsync(history, random),
        < 91 => history.SubscribeAsync(RandomSubscriber.Make(random, history.Table, history.Stage.Roles, Stage.Users)),
        < 96 => ReplaceAsync(history, random),
        _ => history.Live is { Count: > 0 } live ? history.LeaveAsync(live[random.Next(live.Count)]) : Task.CompletedTask,
    };

    private static Task ReplaceAsync(History history, Random random)
    {
        if (history.Live is not { Count: > 0 } live)
        {
            return Task.CompletedTask;
        }

        var replaced = live[random.Next(live.Count)];
        var other = RandomSubscriber.Make(random, history.Table, history.Stage.Roles, Stage.Users);
        return other.User == replaced.Subscriber.User ? history.SubscribeAsync(other, replaced) : Task.CompletedTask;
    }

    // Without a permissive policy for it a role sees nothing, so one is there to begin with.
    private static async Task CreatePolicyAsync(History history, Random random, bool isFirst = false)
    {
        var policy = RandomPolicy.Make(random, history.Table);
        var name = Sql.Number(history.Policies.Count) + "_" + Sql.Number(random.Next(1000));
        string[] commands = ["select", "all", "select", "insert"];
        var command = isFirst ? "select" : commands[random.Next(commands.Length)];
        var condition = command == "insert" ? $"with check ({policy.Using})" : $"using ({policy.Using})";
        history.Policies.Add(name, policy);
        await history.ChangeRightsAsync(
            $"create policy {Sql.Name(name)} on {{t}} as {(!isFirst && random.Next(4) == 0 ? "restrictive" : "permissive")} for {command} to {(isFirst ? "public" : AnyRoles(history, random))} {condition}",
            drain: random.Next(3) > 0);
    }

    private static async Task ChangePolicyAsync(History history, Random random)
    {
        var drain = random.Next(3) > 0;
        if (history.Policies.Count == 0 || random.Next(3) == 0)
        {
            await CreatePolicyAsync(history, random);
            return;
        }

        var name = history.Policies.Keys.Order(StringComparer.Ordinal).ElementAt(random.Next(history.Policies.Count));
        switch (random.Next(4))
        {
            case 0:
                await history.ChangeRightsAsync($"drop policy {Sql.Name(name)} on {{t}}", drain);
                history.Policies.Remove(name);
                break;
            case 1:
                await history.ChangeRightsAsync($"alter policy {Sql.Name(name)} on {{t}} to {AnyRoles(history, random)}", drain);
                break;
            default:
                // Which of the two columns' sets holds for a change under way cannot be said, so nothing is.
                await DrainedAsync(history, name, RandomPolicy.Make(random, history.Table));
                break;
        }
    }

    private static async Task DrainedAsync(History history, string name, RandomPolicy policy)
    {
        await history.ChangeRightsAsync($"drop policy {Sql.Name(name)} on {{t}}; create policy {Sql.Name(name)} on {{t}} for select using ({policy.Using})", drain: true);
        history.Policies[name] = policy;
    }

    private static Task ChangePrivilegeAsync(History history, Random random)
    {
        var role = AnyRole(history, random);
        var table = history.Table;
        var hasKey = random.Next(3) > 0;
        var columns = table.Columns.Where(column => column.IsPrimary ? hasKey : random.Next(3) > 0).Select(column => column.Quoted).ToList();
        var drain = random.Next(3) > 0;
        return random.Next(6) switch
        {
            0 or 1 => history.ChangeRightsAsync($"revoke select on {{t}} from {role}", drain),
            2 or 3 when columns.Count > 0 => history.ChangeRightsAsync(
                $"revoke select on {{t}} from public, {role}; grant select ({string.Join(", ", columns)}) on {{t}} to {role}", drain: true),
            4 => history.ChangeRightsAsync($"{(hasKey ? "grant" : "revoke")} usage on schema {{s}} {(hasKey ? "to" : "from")} {role}", drain),
            _ => history.ChangeRightsAsync($"grant select on {{t}} to {role}", drain),
        };
    }

    private static Task ChangeMembershipAsync(History history, Random random)
    {
        var (tenant, user) = (Sql.Text(RandomTable.Tenants[random.Next(RandomTable.Tenants.Count)]), RandomTable.Users[random.Next(RandomTable.Users.Count)]);
        return history.ChangeRightsAsync(
            random.Next(3) == 0 ? $"delete from {{m}} where tenant = {tenant}" : $"insert into {{m}} values ({tenant}, '{user}'), ({tenant}, null)", drain: random.Next(3) > 0);
    }

    private static Task ChangeSurroundingsAsync(History history, Random random)
    {
        var drain = random.Next(3) > 0;
        return random.Next(8) switch
        {
            0 => history.ChangeRightsAsync("alter table {t} disable row level security", drain),
            1 => history.ChangeRightsAsync("alter table {t} force row level security", drain),
            2 => history.ChangeRightsAsync("alter table {t} no force row level security", drain),
            3 => history.ChangeRightsAsync($"alter table {{m}} {(random.Next(2) == 0 ? "enable" : "disable")} row level security", drain),
            4 => history.ChangeRightsAsync($"revoke {history.Stage.Team} from {history.Stage.Roles[1]}", drain),
            5 => history.ChangeRightsAsync(Member(_memberBodies[random.Next(_memberBodies.Length)]), drain),
            6 => history.ChangeRightsAsync($"revoke select on {{m}} from {AnyRole(history, random)}", drain),
            _ => history.ChangeRightsAsync("alter table {t} enable row level security", drain),
        };
    }

    private static string Member(string body) =>
        $"create or replace function {{f}}.is_member(text) returns boolean language sql stable security definer as $f$ select {body} $f$";

    private static string AnyRole(History history, Random random) =>
        history.Stage.Roles.Append(history.Stage.Team).ElementAt(random.Next(history.Stage.Roles.Count + 1));

    private static string AnyRoles(History history, Random random) =>
        random.Next(3) > 0 ? "public" : string.Join(", ", Enumerable.Range(0, 2).Select(_ => AnyRole(history, random)).Distinct());
}
