using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>SQL's LIKE on a text, matched in memory.</summary>
/// <param name="pattern">With backslashes as escapes; does not end in one.</param>
internal sealed class Like(string column, string pattern) : Predicate
{
    // What all patterns together may take over one image, and four steps more for each of its bytes: some milliseconds. Beyond it PostgreSQL is asked, where time is limited.
    private const long StepsForImage = 1_000_000;

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
        var left = StepsForImage + (4L * image.Json.Length) - image.PatternSteps;
        var (matches, steps) = _pattern.Match(text.Utf8, left);
        image.PatternSteps += steps;
        return matches switch { true => Truth.True, false => Truth.False, null => Truth.Ask };
    }
}
