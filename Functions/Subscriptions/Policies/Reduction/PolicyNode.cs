using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Policies.Reduction;

/// <summary>A policy taken apart. Negation has been pushed down to the leaves, so that false and null are the same everywhere: not visible.</summary>
internal abstract record PolicyNode
{
    /// <summary>Whether some part could not be taken apart.</summary>
    public abstract bool HasOpaque { get; }

    /// <summary>SQL's NOT of it.</summary>
    public abstract PolicyNode Negated();

    public static PolicyNode All(IReadOnlyList<PolicyNode> parts) => parts.Count == 1 ? parts[0] : new AllParts(parts);

    public static PolicyNode Any(IReadOnlyList<PolicyNode> parts) => parts.Count == 1 ? parts[0] : new AnyPart(parts);
}

internal sealed record AllParts(IReadOnlyList<PolicyNode> Parts) : PolicyNode
{
    public override bool HasOpaque => Parts.Any(part => part.HasOpaque);

    public override PolicyNode Negated() => new AnyPart([.. Parts.Select(part => part.Negated())]);
}

internal sealed record AnyPart(IReadOnlyList<PolicyNode> Parts) : PolicyNode
{
    public override bool HasOpaque => Parts.Any(part => part.HasOpaque);

    public override PolicyNode Negated() => new AllParts([.. Parts.Select(part => part.Negated())]);
}

/// <summary>A condition on the claims alone.</summary>
/// <param name="Sql">An expression of type boolean.</param>
internal sealed record ClaimCondition(string Sql) : PolicyNode
{
    public override bool HasOpaque => false;

    public override PolicyNode Negated() => new ClaimCondition($"(NOT {Sql})");
}

/// <summary>A column equal to a value made of claims and constants, or to one of an array of them.</summary>
/// <param name="Sql">The value, cast so that <c>to_jsonb</c> of it is the token to look for.</param>
/// <param name="IsArray">Whether <paramref name="Sql"/> is an array, and any of its elements will do.</param>
/// <param name="AsText">Whether the column is compared by its text, which for a number is not its token.</param>
internal sealed record ColumnEquals(PolicyColumn Column, string Sql, bool IsArray, bool AsText, bool IsNegated) : PolicyNode
{
    public override bool HasOpaque => false;

    public override PolicyNode Negated() => this with { IsNegated = !IsNegated };
}

/// <summary>A column before or after a value in its type's order.</summary>
/// <param name="Sql">As for <see cref="ColumnEquals"/>.</param>
internal sealed record ColumnOrder(PolicyColumn Column, ValueOrder Order, FilterOperator Operator, string Sql) : PolicyNode
{
    public override bool HasOpaque => false;

    // The orders are total, and null is unknown on both sides.
    public override PolicyNode Negated() => this with
    {
        Operator = Operator switch
        {
            FilterOperator.Less => FilterOperator.GreaterOrEqual,
            FilterOperator.LessOrEqual => FilterOperator.Greater,
            FilterOperator.Greater => FilterOperator.LessOrEqual,
            _ => FilterOperator.Less,
        },
    };
}

/// <summary>Whether a column is null.</summary>
internal sealed record ColumnNull(PolicyColumn Column, bool IsNegated) : PolicyNode
{
    public override bool HasOpaque => false;

    public override PolicyNode Negated() => this with { IsNegated = !IsNegated };
}

/// <summary>A part that only PostgreSQL can evaluate.</summary>
internal sealed record Opaque : PolicyNode
{
    public static Opaque Instance { get; } = new();

    public override bool HasOpaque => true;

    public override PolicyNode Negated() => this;
}
