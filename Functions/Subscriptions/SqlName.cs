namespace Serverless.Subscriptions;

/// <summary>Identifiers as SQL writes them, quoted always, for statements that a developer is to run.</summary>
internal static class SqlName
{
    public static string Of(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';

    public static string Of(string schema, string name) => Of(schema) + '.' + Of(name);
}
