namespace Serverless.Changes;

/// <summary>What happened to a row, or to a whole table.</summary>
internal enum ChangeKind
{
    Insert,
    Update,
    Delete,
    Truncate,
}

internal static class ChangeKinds
{
    /// <summary>The name that clients know, as SQL writes it.</summary>
    public static string Name(this ChangeKind kind) => kind switch
    {
        ChangeKind.Insert => "INSERT",
        ChangeKind.Update => "UPDATE",
        ChangeKind.Delete => "DELETE",
        ChangeKind.Truncate => "TRUNCATE",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind of change."),
    };
}
