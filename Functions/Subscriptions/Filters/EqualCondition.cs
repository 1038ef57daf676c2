using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>A column equal to a value, ready to be compared with row images.</summary>
/// <param name="Token">The value as the column's type writes it in JSON, normalized by the rule.</param>
internal sealed record EqualCondition(string Column, EqualityRule Rule, byte[] Token)
{
    /// <summary>Whether the image's value is equal. False for null, and for a column that the image lacks: what is not known does not match.</summary>
    public bool Matches(RowImage image)
    {
        var ordinal = image.Relation.OrdinalOf(Column);
        return image.Has(ordinal) && Rule.Normalize(image.ValueOf(ordinal)).SequenceEqual(Token);
    }
}
