namespace Serverless.Subscriptions.Policies.Reduction;

/// <summary>What a part of a policy's expression turned out to be.</summary>
internal abstract record PolicyOperand
{
    /// <summary>It as a condition; null where it is none.</summary>
    public abstract PolicyNode? AsCondition();
}

/// <summary>Something without columns, made of claims and constants.</summary>
/// <param name="Sql">As PostgreSQL wrote it.</param>
/// <param name="Type">Its type's qualified name; null where that is not written.</param>
internal sealed record ValueOperand(string Sql, string? Type) : PolicyOperand
{
    public override PolicyNode? AsCondition() => Type == "boolean" ? new ClaimCondition(Sql) : null;
}

/// <param name="Cast">The type that the column is cast to; null for none.</param>
internal sealed record ColumnOperand(PolicyColumn Column, string? Cast) : PolicyOperand
{
    public override PolicyNode? AsCondition() =>
        Column.BaseTypeName == "bool" && Cast is null or "boolean" ? new ColumnEquals(Column, "true", IsArray: false, AsText: false, IsNegated: false) : null;
}

internal sealed record ConditionOperand(PolicyNode Node) : PolicyOperand
{
    public override PolicyNode AsCondition() => Node;
}
