using System.Text;

namespace Serverless.Subscriptions.Filters;

/// <summary>One filter in two tongues: as a client writes it, and as plain SQL says it without any of the product's code.</summary>
internal sealed record SampledFilter(string Filter, string Sql);

/// <summary>Makes filters at random, one condition or trees of them.</summary>
internal sealed class FilterSampler(Random random)
{
    private static readonly string[] _compare = ["eq", "neq", "lt", "lte", "gt", "gte"];

    public SampledFilter Condition(SampleColumn column)
    {
        var (test, sql) = Test(column);
        return new SampledFilter($"{column.Name}={test}", sql);
    }

    public SampledFilter Tree()
    {
        // At the top a column's name cannot hold quotes' meaning, commas or '='; in groups it can.
        var parts = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Group(depth: 1)).ToList();
        return new SampledFilter(string.Join(',', parts.Select(part => part.Filter)), $"({string.Join(" and ", parts.Select(part => part.Sql))})");

        SampledFilter Group(int depth)
        {
            var (not, join) = (random.Next(3) == 0, random.Next(2) == 0 ? "or" : "and");
            var inner = Enumerable.Range(0, random.Next(1, 4)).Select(_ => depth < 3 && random.Next(3) == 0 ? Group(depth + 1) : Leaf()).ToList();
            var head = (not ? "not." : "") + join + (depth == 1 ? "=" : "");
            return new SampledFilter(
                $"{head}({string.Join(',', inner.Select(part => part.Filter))})",
                $"({(not ? "not " : "")}({string.Join($" {join} ", inner.Select(part => part.Sql))}))");
        }

        SampledFilter Leaf()
        {
            var column = FilterSamples.Columns[random.Next(FilterSamples.Columns.Count)];
            var (test, sql) = Test(column);
            return new SampledFilter($"{Quote(column.Name)}.{test}", sql);
        }
    }

    // Patterns go mostly to texts, for what is refused proves little.
    private (string Test, string Sql) Test(SampleColumn column)
    {
        var name = '"' + column.Name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
        var (test, sql) = random.Next(column.IsText || random.Next(50) == 0 ? 10 : 6) switch
        {
            0 => List(column, name),
            1 => Is(column, name),
            2 => Value(column, name, "isdistinct", "is distinct from"),
            < 6 => Compare(column, name),
            6 or 7 => Pattern(name, "like", "like", FilterSamples.Pattern(random)),
            8 => Pattern(name, "ilike", "ilike", FilterSamples.Pattern(random)),
            _ when random.Next(2) == 0 => Pattern(name, "match", "~", FilterSamples.Expression(random)),
            _ => Pattern(name, "imatch", "~*", FilterSamples.Expression(random)),
        };
        return random.Next(4) == 0 ? ("not." + test, $"(not {sql})") : (test, sql);
    }

    private (string Test, string Sql) Compare(SampleColumn column, string name)
    {
        var at = random.Next(_compare.Length);
        string[] operators = ["=", "<>", "<", "<=", ">", ">="];
        return Value(column, name, _compare[at], operators[at]);
    }

    private (string Test, string Sql) Value(SampleColumn column, string name, string test, string sql)
    {
        var value = column.Value(random);
        return ($"{test}.{Quote(value)}", $"({name} {sql} {Operand(column, value)})");
    }

    // PostgreSQL takes no bare literal beside a composite.
    private static string Operand(SampleColumn column, string value) => Literal(value) + (column.Type == "pair" ? "::pair" : "");

    private static (string Test, string Sql) Pattern(string name, string test, string sql, string pattern) =>
        ($"{test}.{Quote(pattern)}", $"({name} {sql} {Literal(pattern)})");

    private (string Test, string Sql) List(SampleColumn column, string name)
    {
        var values = Enumerable.Range(0, random.Next(4)).Select(_ => column.Value(random)).ToList();
        return (
            $"in.({string.Join(',', values.Select(Quote))})",
            values.Count == 0 ? EmptyList(column, name) : $"({name} in ({string.Join(", ", values.Select(value => Operand(column, value)))}))");
    }

    // An empty list holds nothing, not even the unknown; arrays cannot say it this way, and some types have no "=".
    private static string EmptyList(SampleColumn column, string name) =>
        column.Name is "ia" or "ta" or "js" or "pt" ? "false" : $"({name} = any ('{{}}'))";

    private (string Test, string Sql) Is(SampleColumn column, string name)
    {
        var value = column.Type == "boolean" || random.Next(50) == 0 ? FilterSamples.Pick(random, "null", "true", "false", "unknown") : "null";
        return ($"is.{value}", $"({name} is {value})");
    }

    private static string Quote(string value) => '"' + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + '"';

    // Unicode escapes everywhere, so that nothing depends on how the product quotes.
    public static string Literal(string value)
    {
        var text = new StringBuilder("U&'");
        foreach (var rune in value.EnumerateRunes())
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\+{rune.Value:X6}");
        }

        return text.Append('\'').ToString();
    }
}
