namespace Serverless.Subscriptions.Policies;

/// <summary>Why a policy could not be evaluated for one claim set: a cause that PostgreSQL named, never its text, which may hold row data or claims.</summary>
internal sealed record PolicyFailure(string SqlState)
{
    public const string TookTooLong = "57014";
    public const string RoleNotGranted = "SR002";

    /// <summary>Whether the same question may succeed later without anybody mending anything: resources, locks, shutdowns.</summary>
    public bool IsTransient => SqlState != TookTooLong && SqlState[..2] is "08" or "40" or "53" or "55" or "57" or "58";

    /// <summary>Whether names that the policy was read with may be gone: read the policy again and ask again, once.</summary>
    public bool MayBeStale => SqlState.StartsWith("42", StringComparison.Ordinal) && SqlState is not ("42501" or "42P17");

    /// <exception cref="Npgsql.NpgsqlException">The failure is transient: the batch is to be given again.</exception>
    public void ThrowIfTransient()
    {
        if (IsTransient)
        {
            throw new Npgsql.NpgsqlException($"Policies could not be evaluated for the moment (SQLSTATE {SqlState}); the changes are given again.");
        }
    }

    /// <summary>What to tell the subscriber.</summary>
    public string Message(TablePolicy policy) =>
        $"The row-level security policies on {SqlName.Of(policy.Schema, policy.Name)} cannot be evaluated for this subscriber (SQLSTATE {SqlState}): {Explanation(policy.Role)}";

    private string Explanation(string role) => SqlState switch
    {
        TookTooLong => "they took longer than is allowed. Index the columns that their sub-selects compare.",
        RoleNotGranted => $"the service may not act as role {SqlName.Of(role)}. Run: grant {SqlName.Of(role)} to the service's database user;",
        "42501" => $"role {SqlName.Of(role)} lacks a privilege on a table, schema or function that a policy uses. Grant it, or let the policy call a security definer function.",
        "42P17" => "policies read each other's tables without end. Break the circle with a security definer function.",
        _ => SqlState[..2] switch
        {
            "22" => "a value could not be converted, most often a claim that is not of the type the policy casts it to.",
            "42" => "they name something that does not exist, or that the log's rows do not have.",
            "54" => "a limit of PostgreSQL was exceeded, most often by a function that calls itself without end.",
            "P0" => "a function that they call raised an error.",
            _ => "PostgreSQL reported an error.",
        },
    };
}
