using System.Globalization;
using System.Text;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>Predicates and row images at random, from so few values that they often meet.</summary>
internal sealed class MatchingSamples(int seed)
{
    private static readonly Relation _relation = new(
        1,
        "public",
        "t",
        ReplicaIdentity.Full,
        [new("a", 20, "int8", true), new("b", 20, "int8", false), new("price", 1700, "numeric", false), new("name", 25, "text", false)],
        []);

    // Tokens of every length that an index may treat apart, and two texts that are the same uuid.
    private static readonly string[] _names =
    [
        "\"\"",
        "\"p\"",
        "\"fourteen bytes\"",
        "\"fifteen bytes !\"",
        "\"0a8f36c1-0000-4000-8000-00000000000b\"",
        "\"0A8F36C1-0000-4000-8000-00000000000B\"",
        "\"thirty-six characters, but no uuid..\"",
        "\"a text that is longer than any that is kept with the numbers\"",
    ];

    private readonly Random _random = new(seed);

    public int Next(int limit) => _random.Next(limit);

    public Predicate Predicate(int depth = 3) => _random.Next(depth > 0 ? 9 : 6) switch
    {
        0 or 1 => Equality(),
        2 or 3 => Range(),
        4 => new AskedPredicate(Column(), _random.Next(3)),
        5 => _random.Next(4) > 0 ? Equality() : _random.Next(2) > 0 ? Constant.True : Constant.False,
        6 => new AllOf(Parts(depth)),
        7 => new AnyOf(Parts(depth)),
        _ => new Not(Predicate(depth - 1)),
    };

    public Predicate Range()
    {
        var low = _random.Next(3) > 0 ? (_random.Next(-3, 12), _random.Next(2) > 0) : ((long, bool)?)null;
        var high = low is null || _random.Next(2) > 0 ? (_random.Next(-3, 12), _random.Next(2) > 0) : ((long, bool)?)null;
        return new IntegerRange(_random.Next(2) > 0 ? "a" : "b", low, high);
    }

    /// <summary>An image in which any column may be missing or null, and an integer may be one that no order knows.</summary>
    public RowImage Image() => Image(_relation.Columns.Where(_ => _random.Next(8) > 0).Select(column => (column.Name, ImageValue(column.Name))));

    public static RowImage Image(params IEnumerable<(string Column, string Token)> values) =>
        new(_relation, Encoding.UTF8.GetBytes("{" + string.Join(',', values.Select(value => $"\"{value.Column}\":{value.Token}")) + "}"));

    private Equality Equality()
    {
        var column = Column();
        var rule = column == "price" ? EqualityRule.SameNumber : EqualityRule.SameToken;
        return new(column, rule, [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => rule.Normalize(Encoding.UTF8.GetBytes(Value(column))).ToArray())]);
    }

    private Predicate[] Parts(int depth) => [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Predicate(depth - 1))];

    private string Column() => _relation.Columns[_random.Next(_relation.Columns.Count)].Name;

    private string ImageValue(string column) => _random.Next(12) switch
    {
        0 => "null",
        1 when column is "a" or "b" => "9223372036854775808",
        _ => Value(column),
    };

    private string Value(string column) => column switch
    {
        "price" => _random.Next(4).ToString(CultureInfo.InvariantCulture) + (_random.Next(2) > 0 ? ".50" : ".0"),
        "name" => _names[_random.Next(_names.Length)],
        _ => _random.Next(-2, 10).ToString(CultureInfo.InvariantCulture),
    };
}
