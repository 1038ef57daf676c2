using System.Text;

namespace Serverless.Subscriptions.Filters;

/// <summary>Values as SQL writes them.</summary>
internal static class SqlLiteral
{
    /// <summary>A string constant that means the same whatever <c>standard_conforming_strings</c> says.</summary>
    public static string Of(string text)
    {
        var quoted = text.Replace("'", "''", StringComparison.Ordinal);
        return quoted.Contains('\\', StringComparison.Ordinal)
            ? $"E'{quoted.Replace("\\", "\\\\", StringComparison.Ordinal)}'"
            : $"'{quoted}'";
    }

    /// <summary>The value of a JSON token, string or not, as a constant of a type.</summary>
    /// <param name="type">The type's name, quoted and with its schema.</param>
    public static string Of(string token, string type) => $"{Of(TextOf(token))}::{type}";

    private static string TextOf(string token)
    {
        if (!token.StartsWith('"'))
        {
            return token;
        }

        using var text = new TokenText(Encoding.UTF8.GetBytes(token));
        return Encoding.UTF8.GetString(text.Utf8);
    }
}
