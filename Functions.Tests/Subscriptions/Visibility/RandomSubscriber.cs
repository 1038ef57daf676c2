using System.Text.Json;

namespace Serverless.Subscriptions.Visibility;

/// <summary>What a subscriber asks for, and as whom.</summary>
/// <param name="User">Which of the stage's clients it is.</param>
/// <param name="Claims">The token's payload without its expiry.</param>
/// <param name="Select">The chosen columns, or null for all.</param>
internal sealed record RandomSubscriber(
    int User, string Role, IReadOnlyDictionary<string, object> Claims, string Event, RandomFilter Filter, IReadOnlySet<string>? Select, bool Leave)
{
    public string ClaimsJson => JsonSerializer.Serialize(Claims);

    /// <summary>The claims without those that a policy cannot cast.</summary>
    public string MendedClaimsJson => JsonSerializer.Serialize(Claims.Where(claim => claim.Key switch
    {
        "sub" => Guid.TryParse((string)claim.Value, out _),
        "level" => claim.Value is int,
        _ => true,
    }).ToDictionary());

    /// <summary>Whether a policy may fail for it, or be found not to matter before it does: which one is the server's choice.</summary>
    public bool HasBrokenClaims => ClaimsJson != MendedClaimsJson;

    /// <summary>Whether it asks for every table of the schema, of which only this one is looked at.</summary>
    public bool WantsAnyTable { get; init; }

    public object Request(string schema, string table)
    {
        var request = new Dictionary<string, object> { ["event"] = Event, ["schema"] = schema, ["table"] = WantsAnyTable ? "*" : table };
        if (Filter.Text.Length > 0)
        {
            request["filter"] = Filter.Text;
        }

        if (Select is not null)
        {
            request["select"] = Select;
        }

        if (Leave)
        {
            request["leave"] = true;
        }

        return request;
    }

    public bool Wants(string kind) => Event == "*" || Event == kind;

    public static RandomSubscriber Make(Random random, RandomTable table, IReadOnlyList<string> roles, int users)
    {
        var user = random.Next(users);
        var role = roles[random.Next(roles.Count)];
        string[] events = ["*", "*", "*", "INSERT", "UPDATE", "DELETE"];
        var wanted = events[random.Next(events.Length)];
        var columns = table.Columns.Where(column => column.IsStreamed).ToList();
        if (random.Next(12) == 0)
        {
            return new RandomSubscriber(user, role, ClaimsOf(random, user, role), wanted, RandomFilter.None, null, random.Next(2) == 0) { WantsAnyTable = true };
        }

        return new RandomSubscriber(
            user,
            role,
            ClaimsOf(random, user, role),
            wanted,
            random.Next(5) < 2 ? RandomFilter.None : RandomFilter.Make(random, columns),
            random.Next(4) == 0 ? SelectOf(random, columns) : null,
            random.Next(2) == 0);
    }

    // A session is its first subject's for good, so the subject goes with the client.
    private static Dictionary<string, object> ClaimsOf(Random random, int user, string role)
    {
        var claims = new Dictionary<string, object> { ["role"] = role };
        if (Stage.SubjectOf(user) is { } subject)
        {
            claims["sub"] = subject;
        }

        var tenants = RandomTable.Tenants;
        if (random.Next(4) > 0)
        {
            claims["tenant"] = tenants[random.Next(tenants.Count)];
        }

        if (random.Next(2) == 0)
        {
            claims["app_metadata"] = new { tenant = tenants[random.Next(tenants.Count)] };
        }

        if (random.Next(2) == 0)
        {
            claims["tenants"] = tenants.Where(_ => random.Next(2) == 0).ToArray();
        }

        if (random.Next(2) == 0)
        {
            claims["level"] = random.Next(5) == 0 ? "high" : random.Next(4);
        }

        return claims;
    }

    // At least one: choosing none is choosing all.
    private static HashSet<string> SelectOf(Random random, List<RandomColumn> columns) =>
        [columns[random.Next(columns.Count)].Name, .. columns.Where(_ => random.Next(2) == 0).Select(column => column.Name)];
}
