namespace Serverless.Presence.Tables;

/// <summary>A table as the setting names it, without quotes.</summary>
internal readonly record struct TableName(string Schema, string Name)
{
    public const int MaxTables = 16;

    private const int MaxIdentifierBytes = 63;

    /// <summary>Reads a list as in <c>public.presence, chat.user_presence</c>; without a schema, <c>public</c> is meant.</summary>
    public static bool TryParse(string list, out IReadOnlyList<TableName> names)
    {
        var read = new List<TableName>();
        names = read;
        foreach (var entry in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = entry.Split('.', 2);
            var name = parts.Length == 2 ? new TableName(parts[0], parts[1]) : new TableName("public", parts[0]);
            if (!IsIdentifier(name.Schema) || !IsIdentifier(name.Name))
            {
                return false;
            }

            read.Add(name);
        }

        names = [.. read.Distinct()];
        return names.Count <= MaxTables;
    }

    public override string ToString() => $"{Schema}.{Name}";

    private static bool IsIdentifier(string text) => text.Length > 0 && System.Text.Encoding.UTF8.GetByteCount(text) <= MaxIdentifierBytes && !text.Any(char.IsControl);
}
