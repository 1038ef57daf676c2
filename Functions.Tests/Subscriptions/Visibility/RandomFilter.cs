using System.Text;

namespace Serverless.Subscriptions.Visibility;

/// <summary>A filter twice: as a client writes it, and as SQL written beside it.</summary>
internal sealed record RandomFilter(string Text, string Condition, IReadOnlySet<string> Columns)
{
    private const string Plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_%-:/";

    public static RandomFilter None { get; } = new("", "true", new HashSet<string>());

    /// <param name="columns">The columns that it may be about.</param>
    public static RandomFilter Make(Random random, IReadOnlyList<RandomColumn> columns)
    {
        var parts = Enumerable.Range(0, random.Next(3) == 0 ? 2 : 1).Select(_ => Part(random, columns, depth: 0)).ToList();
        return new RandomFilter(
            string.Join(',', parts.Select(part => part.Text)),
            string.Join(" and ", parts.Select(part => part.Condition)),
            parts.SelectMany(part => part.Columns).ToHashSet());
    }

    private static RandomFilter Part(Random random, IReadOnlyList<RandomColumn> columns, int depth) =>
        random.Next(5) == 0 && depth < 3 ? Group(random, columns, depth) : Leaf(random, columns[random.Next(columns.Count)], depth == 0 ? '=' : '.');

    private static RandomFilter Group(Random random, IReadOnlyList<RandomColumn> columns, int depth)
    {
        var parts = Enumerable.Range(0, 2 + random.Next(2)).Select(_ => Part(random, columns, depth + 1)).ToList();
        var (word, not) = (random.Next(3) == 0 ? "and" : "or", random.Next(4) == 0);
        var condition = "(" + string.Join($" {word} ", parts.Select(part => part.Condition)) + ")";
        return new RandomFilter(
            $"{(not ? "not." : "")}{word}{(depth == 0 ? "=" : "")}({string.Join(',', parts.Select(part => part.Text))})",
            not ? $"(not {condition})" : condition,
            parts.SelectMany(part => part.Columns).ToHashSet());
    }

    private static RandomFilter Leaf(Random random, RandomColumn column, char separator)
    {
        var (text, condition) = Operation(random, column);
        var not = random.Next(4) == 0;
        return new RandomFilter(
            $"{column.Name}{separator}{(not ? "not." : "")}{text}",
            not ? $"(not ({condition}))" : $"({condition})",
            new HashSet<string> { column.Name });
    }

    private static (string Text, string Condition) Operation(Random random, RandomColumn column)
    {
        string[] compared = ["eq", "neq", "lt", "lte", "gt", "gte"];
        string[] signs = ["=", "<>", "<", "<=", ">", ">="];
        var one = random.Next(column.IsOrdered ? compared.Length : 2);
        var value = column.AnyText(random);
        return random.Next(8) switch
        {
            0 => ("is.null", $"{column.Quoted} is null"),
            1 when column.Type == "boolean" => Is(random, column),
            1 => ($"isdistinct.{Quote(random, value)}", $"{column.Quoted} is distinct from {Sql.Value(value, column.Type)}"),
            2 when column.IsText => Pattern(random, column),
            2 or 3 when column.IsListable => List(random, column),
            4 or 5 => ($"eq.{Quote(random, value)}", $"{column.Quoted} = {Sql.Value(value, column.Type)}"),
            _ => ($"{compared[one]}.{Quote(random, value)}", $"{column.Quoted} {signs[one]} {Sql.Value(value, column.Type)}"),
        };
    }

    private static (string Text, string Condition) Is(Random random, RandomColumn column)
    {
        string[] values = ["true", "false", "unknown", "null"];
        var value = values[random.Next(values.Length)];
        return ($"is.{value}", $"{column.Quoted} is {value}");
    }

    private static (string Text, string Condition) List(Random random, RandomColumn column)
    {
        var values = Enumerable.Range(0, 1 + random.Next(3)).Select(_ => column.AnyText(random)).ToList();
        return (
            $"in.({string.Join(',', values.Select(value => Quote(random, value, inList: true)))})",
            $"{column.Quoted} in ({string.Join(", ", values.Select(value => Sql.Value(value, column.Type)))})");
    }

    private static (string Text, string Condition) Pattern(Random random, RandomColumn column)
    {
        string[] likes = ["a%", "%b", "_", "%", "a\\%b", "A%", "%,%", "\u00e4", ""];
        string[] expressions = ["^a", "b$", "[a-c]+", "^\\(", "a.b", "^.?$"];
        string[] names = ["like", "ilike", "match", "imatch"];
        string[] operators = ["like", "ilike", "~", "~*"];
        var one = random.Next(names.Length);
        var value = one < 2 ? likes[random.Next(likes.Length)] : expressions[random.Next(expressions.Length)];
        return ($"{names[one]}.{Quote(random, value)}", $"{column.Quoted} {operators[one]} {Sql.Text(value)}");
    }

    private static string Quote(Random random, string value, bool inList = false)
    {
        var isPlain = value.Length > 0 && value.All(c => Plain.Contains(c, StringComparison.Ordinal)) && !(inList && value == "null");
        if (isPlain && random.Next(3) > 0)
        {
            return value;
        }

        var quoted = new StringBuilder("\"");
        foreach (var c in value)
        {
            quoted.Append(c is '"' or '\\' ? "\\" : "").Append(c);
        }

        return quoted.Append('"').ToString();
    }
}
