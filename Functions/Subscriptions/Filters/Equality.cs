using System.Globalization;
using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>A column equal to one of some values, compared in memory. Null is equal to nothing.</summary>
/// <param name="tokens">Normalized by the rule.</param>
internal sealed class Equality(string column, EqualityRule rule, IReadOnlyList<byte[]> tokens) : Predicate
{
    public string Column { get; } = column;

    public EqualityRule Rule { get; } = rule;

    public IReadOnlyList<byte[]> Tokens { get; } = tokens;

    public override string Text { get; } = string.Create(
        CultureInfo.InvariantCulture,
        $"{SqlName.Of(column)}:{rule} in ({string.Join(',', tokens.Select(token => Encoding.UTF8.GetString(token)).Order(StringComparer.Ordinal))})");

    public override IReadOnlyCollection<string> Columns { get; } = [column];

    public override IReadOnlyList<IndexKey>? Keys { get; } = [.. tokens.Select(token => new EqualKey(column, rule, token))];

    public override Truth Evaluate(RowImage image)
    {
        var value = image.ValueOf(image.Relation.OrdinalOf(Column));
        if (value.SequenceEqual("null"u8))
        {
            return Truth.Unknown;
        }

        var token = Rule.Normalize(value);
        foreach (var wanted in Tokens)
        {
            if (token.SequenceEqual(wanted))
            {
                return Truth.True;
            }
        }

        return Truth.False;
    }
}
