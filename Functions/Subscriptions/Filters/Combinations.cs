using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>True or false whatever the row is.</summary>
internal sealed class Constant(bool value) : Predicate
{
    public static Constant True { get; } = new(true);

    public static Constant False { get; } = new(false);

    public override string Text => value ? "true" : "false";

    public override IReadOnlyCollection<string> Columns => [];

    public override IReadOnlyList<IndexKey>? Keys => value ? null : [];

    public override Truth Evaluate(RowImage image) => value ? Truth.True : Truth.False;
}

/// <summary>SQL's AND.</summary>
internal sealed class AllOf(IReadOnlyList<Predicate> parts) : Predicate
{
    public IReadOnlyList<Predicate> Parts { get; } = parts;

    public override string Text =>
        Parts.Count == 0 ? "true" : "(" + string.Join(" and ", Parts.Select(part => part.Text).Order(StringComparer.Ordinal)) + ")";

    public override IReadOnlyCollection<string> Columns { get; } = [.. parts.SelectMany(part => part.Columns).Distinct()];

    // Any one part must hold, so the part that fits the fewest rows serves best: few equal keys, before ranges, before nothing.
    public override IReadOnlyList<IndexKey>? Keys => KeyChoice.BestOf(Parts.Select(part => part.Keys));

    public override Truth Evaluate(RowImage image)
    {
        var result = Truth.True;
        foreach (var part in Parts)
        {
            switch (part.Evaluate(image))
            {
                case Truth.False:
                    return Truth.False;
                case Truth.Ask:
                    result = Truth.Ask;
                    break;
                case Truth.Unknown when result == Truth.True:
                    result = Truth.Unknown;
                    break;
            }
        }

        return result;
    }
}

/// <summary>SQL's OR.</summary>
internal sealed class AnyOf(IReadOnlyList<Predicate> parts) : Predicate
{
    public IReadOnlyList<Predicate> Parts { get; } = parts;

    public override string Text =>
        Parts.Count == 0 ? "false" : "(" + string.Join(" or ", Parts.Select(part => part.Text).Order(StringComparer.Ordinal)) + ")";

    public override IReadOnlyCollection<string> Columns { get; } = [.. parts.SelectMany(part => part.Columns).Distinct()];

    public override IReadOnlyList<IndexKey>? Keys =>
        Parts.Any(part => part.Keys is null) ? null : [.. Parts.SelectMany(part => part.Keys!)];

    public override Truth Evaluate(RowImage image)
    {
        var result = Truth.False;
        foreach (var part in Parts)
        {
            switch (part.Evaluate(image))
            {
                case Truth.True:
                    return Truth.True;
                case Truth.Ask:
                    result = Truth.Ask;
                    break;
                case Truth.Unknown when result == Truth.False:
                    result = Truth.Unknown;
                    break;
            }
        }

        return result;
    }
}

/// <summary>SQL's NOT.</summary>
internal sealed class Not(Predicate part) : Predicate
{
    public Predicate Part { get; } = part;

    public override string Text => "not " + Part.Text;

    public override IReadOnlyCollection<string> Columns => Part.Columns;

    public override IReadOnlyList<IndexKey>? Keys => null;

    public override Truth Evaluate(RowImage image) => Part.Evaluate(image) switch
    {
        Truth.True => Truth.False,
        Truth.False => Truth.True,
        var other => other,
    };
}
