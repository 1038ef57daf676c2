namespace Serverless.Subscriptions.Policies;

/// <summary>What a failure was about.</summary>
internal enum FailureScope
{
    /// <summary>Rows and claims together: which of them caused it is not known.</summary>
    All,

    /// <summary>The claims alone, without any row.</summary>
    Claims,

    /// <summary>Some rows; others could be judged.</summary>
    SomeRows,
}

/// <summary>Why a policy could not be evaluated for one claim set: a cause that PostgreSQL named, never its text, which may hold row data or claims.</summary>
internal sealed record PolicyFailure(string SqlState)
{
    public const string TookTooLong = "57014";
    public const string RoleNotGranted = "SR002";
    public const string InexactImage = "SR003";
    public const string LockNotAvailable = "55P03";

    public FailureScope Scope { get; init; }

    /// <summary>The columns that cannot be told from an image.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>
    /// Whether the same question may succeed in a moment without anybody mending anything: locks, conflicts, connections. A policy's function may raise one of these for ever,
    /// so whoever asks again counts.
    /// </summary>
    public bool IsTransient => SqlState is "40001" or "40P01" or LockNotAvailable or "57P01" or "57P02" or "57P03" || SqlState.StartsWith("08", StringComparison.Ordinal);

    /// <summary>Whether names that the policy was read with may be gone: read the policy again and ask again, once.</summary>
    public bool MayBeStale => SqlState.StartsWith("42", StringComparison.Ordinal) && SqlState is not ("42501" or "42P17");

    /// <summary>Whether a row may have caused it, so that others alone may be judged.</summary>
    public bool MayBeOfOneRow => SqlState != TookTooLong && !IsTransient && SqlState[..2] is not ("42" or "SR" or "53" or "54");

    /// <summary>What to tell the subscriber.</summary>
    public string Message(TablePolicy policy) =>
        $"The row-level security policies on {SqlName.Of(policy.Schema, policy.Name)} cannot be evaluated for {(Scope == FailureScope.SomeRows ? "some rows" : "this subscriber")} (SQLSTATE {SqlState}): {Explanation(policy.Role)}";

    private string Explanation(string role) => SqlState switch
    {
        TookTooLong => "they took longer than is allowed. Index the columns that their sub-selects compare.",
        RoleNotGranted => $"the service may not act as role {SqlName.Of(role)}. Run: grant {SqlName.Of(role)} to the service's database user;",
        InexactImage => $"they read {string.Join(", ", Columns.Select(column => $"'{column}'"))}, of which the log's JSON does not tell the exact value: hstore and other types with a cast to json, composite types, regclass and its like, arrays that do not begin at 1, and JSON nulls within arrays. Let the policies read other columns.",
        LockNotAvailable => "a table that they read was locked for longer than is waited.",
        "42501" => $"role {SqlName.Of(role)} lacks a privilege on a table, schema or function that a policy uses. Grant it, or let the policy call a security definer function.",
        "42P17" => "policies read each other's tables without end. Break the circle with a security definer function.",
        _ => SqlState[..2] switch
        {
            "22" => Conversion,
            "42" => "they name something that does not exist, or that the log's rows do not have.",
            "54" => "a limit of PostgreSQL was exceeded, most often by a function that calls itself without end.",
            "P0" => "a function that they call raised an error.",
            _ => "PostgreSQL reported an error.",
        },
    };

    private string Conversion => Scope switch
    {
        FailureScope.Claims => "a value could not be converted, most often a claim that is not of the type the policy casts it to.",
        FailureScope.SomeRows => "a value of the row could not be converted or computed with.",
        _ => "a value could not be converted or computed with: one of the row's, or a claim that is not of the type the policy casts it to.",
    };
}
