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

    public Predicate Predicate(int depth = 3) => _random.Next(depth > 0 ? 11 : 8) switch
    {
        0 or 1 or 2 => Equality(),
        3 or 4 => Range(),
        5 => new AskedPredicate(Column(), _random.Next(3)),
        6 => new Distinct("a", EqualityRule.SameToken, Encoding.UTF8.GetBytes(Value("a")), isNegated: _random.Next(2) > 0),
        7 => _random.Next(3) switch { 0 => Constant.True, 1 => Constant.False, _ => new NullTest(Column(), isNegated: _random.Next(2) > 0) },
        8 => new AllOf(Parts(depth)),
        9 => new AnyOf(Parts(depth)),
        _ => new Not(Predicate(depth - 1)),
    };

    public static Comparison Compare(string column, FilterOperator @operator, string value) =>
        new(column, column == "price" ? ValueOrder.Numeric : ValueOrder.Integer, @operator, Encoding.UTF8.GetBytes(value));

    private Predicate Range()
    {
        var column = _random.Next(3) switch { 0 => "a", 1 => "b", _ => "price" };
        var low = Compare(column, _random.Next(2) > 0 ? FilterOperator.Greater : FilterOperator.GreaterOrEqual, Value(column));
        var high = Compare(column, _random.Next(2) > 0 ? FilterOperator.Less : FilterOperator.LessOrEqual, Value(column));
        return _random.Next(4) switch { 0 => low, 1 => high, _ => new AllOf([low, high]) };
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
