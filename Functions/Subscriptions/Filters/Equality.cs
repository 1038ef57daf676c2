using System.Globalization;
using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>A column equal to one of some values, compared in memory. Null is equal to nothing.</summary>
internal sealed class Equality : Predicate
{
    // Most have one short value, and there are millions of them: then it is packed, and there is no array.
    private readonly PackedToken _packed;
    private readonly IReadOnlyList<byte[]>? _tokens;

    /// <param name="tokens">Normalized by the rule.</param>
    public Equality(string column, EqualityRule rule, IReadOnlyList<byte[]> tokens)
    {
        Column = column;
        Rule = rule;
        _tokens = tokens.Count == 1 && PackedToken.TryPack(tokens[0], out _packed) ? null : tokens;
    }

    public string Column { get; }

    public EqualityRule Rule { get; }

    public override string Text => string.Create(
        CultureInfo.InvariantCulture,
        $"{SqlName.Of(Column)}:{Rule} in ({string.Join(',', Tokens().Select(token => Encoding.UTF8.GetString(token)).Order(StringComparer.Ordinal))})");

    public override IReadOnlyCollection<string> Columns => [Column];

    public override IReadOnlyList<IndexKey>? Keys => [.. Tokens().Select(token => new EqualKey(Column, Rule, token))];

    public override bool CanJudge(RowImage image) => image.Has(image.Relation.OrdinalOf(Column));

    public override Truth Evaluate(RowImage image)
    {
        var value = image.ValueOf(image.Relation.OrdinalOf(Column));
        if (value.SequenceEqual("null"u8))
        {
            return Truth.Unknown;
        }

        return Holds(Rule.Normalize(value)) ? Truth.True : Truth.False;
    }

    private bool Holds(ReadOnlySpan<byte> token)
    {
        if (_tokens is null)
        {
            return token.SequenceEqual(_packed.Unpack(stackalloc byte[PackedToken.MaxTokenLength]));
        }

        foreach (var wanted in _tokens)
        {
            if (token.SequenceEqual(wanted))
            {
                return true;
            }
        }

        return false;
    }

    private IReadOnlyList<byte[]> Tokens() => _tokens ?? [_packed.Unpack(stackalloc byte[PackedToken.MaxTokenLength]).ToArray()];
}
