namespace Serverless.Subscriptions.Visibility;

/// <summary>A column of a random table.</summary>
/// <param name="Values">Texts that cast to the type; rows and filters take from the same few, so that they meet.</param>
internal sealed record RandomColumn(string Name, string Type, params string?[] Values)
{
    /// <summary>Whether it belongs to the primary key.</summary>
    public bool IsPrimary { get; init; }

    /// <summary>Whether the log carries it in an old row that is not whole.</summary>
    public bool IsIdentity { get; init; }

    /// <summary>Whether the stream carries it at all.</summary>
    public bool IsStreamed { get; init; } = true;

    public bool IsGenerated { get; init; }

    public string? Collation { get; init; }

    public string? Suffix { get; init; }

    public string Quoted => Sql.Name(Name);

    public bool IsText => Type is "text" or "varchar(8)";

    /// <summary>Whether <c>&lt;</c> and its kin say what the oracle can write too.</summary>
    public bool IsOrdered => Type is not ("boolean" or "jsonb");

    /// <summary>Whether a list of values can be written without a second level of brackets.</summary>
    public bool IsListable => Type is not "int[]";

    public string Definition => $"{Quoted} {Type}{(Collation is null ? "" : $" collate {Sql.Name(Collation)}")} {Suffix}";

    public string? AnyValue(Random random) => Values[random.Next(Values.Length)];

    public string AnyLiteral(Random random) => Sql.Value(AnyValue(random), Type);

    /// <summary>A value that is not null.</summary>
    public string AnyText(Random random)
    {
        while (true)
        {
            if (AnyValue(random) is { } text)
            {
                return text;
            }
        }
    }
}
