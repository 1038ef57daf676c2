using Npgsql;

namespace Serverless.Database;

/// <summary>The two forms in which the address of a database is written: Npgsql's, and the <c>postgres://</c> URL that providers show.</summary>
internal static class ConnectionText
{
    /// <returns>Npgsql's form; null where the text is neither, or names no host.</returns>
    public static string? ToNpgsql(string text)
    {
        try
        {
            var settings = IsUrl(text) ? FromUrl(text) : new NpgsqlConnectionStringBuilder(text);
            return string.IsNullOrEmpty(settings?.Host) ? null : settings.ConnectionString;
        }
        catch (Exception ex) when (ex is ArgumentException or FormatException or OverflowException or InvalidCastException or KeyNotFoundException)
        {
            // Npgsql throws any of these at a keyword or value that it does not know, and its message may hold a part of a password.
            return null;
        }
    }

    private static bool IsUrl(string text) =>
        text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase);

    private static NpgsqlConnectionStringBuilder? FromUrl(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
        {
            return null;
        }

        var settings = new NpgsqlConnectionStringBuilder { Host = url.IdnHost, Port = url.IsDefaultPort ? NpgsqlConnection.DefaultPort : url.Port };
        var user = url.UserInfo.Split(':', 2);
        settings.Username = Given(user[0]);
        settings.Password = user.Length > 1 ? Given(user[1]) : null;
        settings.Database = Given(url.AbsolutePath.TrimStart('/'));
        foreach (var option in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = option.Split('=', 2);
            settings[KeywordOf(parts[0])] = parts.Length > 1 ? ValueOf(parts[0], Uri.UnescapeDataString(parts[1])) : "";
        }

        return settings;
    }

    private static string? Given(string part) => part.Length == 0 ? null : Uri.UnescapeDataString(part);

    // libpq's names and values, where Npgsql has others.
    private static string KeywordOf(string name) => name == "connect_timeout" ? "Timeout" : name.Replace('_', ' ');

    private static string ValueOf(string name, string value) => name == "sslmode" ? value.Replace("-", "", StringComparison.Ordinal) : value;
}
