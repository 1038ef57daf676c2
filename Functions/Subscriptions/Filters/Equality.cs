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

    public override string Text => string.Create(
        CultureInfo.InvariantCulture,
        $"{SqlName.Of(Column)}:{Rule} in ({string.Join(',', Tokens.Select(token => Encoding.UTF8.GetString(token)).Order(StringComparer.Ordinal))})");

    public override IReadOnlyCollection<string> Columns => [Column];

    public override IReadOnlyList<IndexKey>? Keys => [.. Tokens.Select(token => new EqualKey(Column, Rule, token))];

    public override bool CanJudge(RowImage image) => image.Has(image.Relation.OrdinalOf(Column));

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
