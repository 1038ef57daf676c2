using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>SQL's LIKE on a text, matched in memory.</summary>
/// <param name="pattern">With backslashes as escapes; does not end in one.</param>
internal sealed class Like(string column, string pattern) : Predicate
{
    // Beyond this many comparisons at worst PostgreSQL is asked, where a statement has a time limit.
    private const long MaxWork = 20_000_000;

    private readonly LikePattern _pattern = LikePattern.Parse(pattern)
        ?? throw new FormatException($"A pattern for column '{column}' ends in its escape character. The stored filter was written by another version, or damaged.");

    public override string Text => $"{SqlName.Of(column)} like {SqlLiteral.Of(pattern)}";

    public override IReadOnlyCollection<string> Columns { get; } = [column];

    public override IReadOnlyList<IndexKey>? Keys => null;

    public override Truth Evaluate(RowImage image)
    {
        var token = image.ValueOf(image.Relation.OrdinalOf(column));
        if (token is not [(byte)'"', .., (byte)'"'])
        {
            return Truth.Unknown;
        }

        using var text = new TokenText(token);
        return (long)text.Utf8.Length * _pattern.Length > MaxWork ? Truth.Ask : _pattern.Matches(text.Utf8) ? Truth.True : Truth.False;
    }
}
