using System.Globalization;

namespace Serverless.Subscriptions.Visibility;

/// <summary>SQL as the tests write it, with quoting of their own: nothing here comes from the code under test.</summary>
internal static class Sql
{
    public static string Name(string name) => "\"" + name.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    public static string Text(string? text) => text is null ? "null" : "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";

    public static string Value(string? text, string type) => Text(text) + "::" + type;

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
