using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>Turns a filter's text into the JSON token that capture would write for that value.</summary>
/// <remarks>
/// PostgreSQL reads the text, so that <c>07</c>, <c>1e2</c> or <c>2026-01-01 10:00+02</c> mean to a filter what they mean to a query. Texts that are
/// their own token for certain are not asked about.
/// </remarks>
internal static partial class LiteralReader
{
    /// <returns>The token, or null where the text is not a value of the column's type.</returns>
    public static async Task<byte[]?> ReadAsync(NpgsqlConnection connection, ColumnDescription column, string text, CancellationToken cancellationToken)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            return null;
        }

        if (column.BaseTypeName is "text" or "varchar")
        {
            return JsonText.Encode(text);
        }

        if (column.BaseTypeName is "int4" or "int8" && PlainInteger().IsMatch(text))
        {
            return System.Text.Encoding.ASCII.GetBytes(text);
        }

        if (column.BaseTypeName is "uuid" && PlainUuid().IsMatch(text))
        {
            return JsonText.Encode(text);
        }

        return await AskAsync(connection, column, text, cancellationToken);
    }

    /// <summary>Reads a value that only PostgreSQL will ever compare.</summary>
    /// <returns>The value as the type writes it, or null where the text is not a value of the column's type.</returns>
    public static async Task<string?> ReadTextAsync(NpgsqlConnection connection, ColumnDescription column, string text, CancellationToken cancellationToken) =>
        text.Contains('\0', StringComparison.Ordinal) ? null : await AskAsync(connection, $"select ($1::text::{column.SqlType})::text", text, cancellationToken);

    private static async Task<byte[]?> AskAsync(NpgsqlConnection connection, ColumnDescription column, string text, CancellationToken cancellationToken) =>
        await AskAsync(connection, $"select to_jsonb($1::text::{column.SqlType})::text", text, cancellationToken) is { } json ? Recode(json) : null;

    // The type's name in the statement comes from the catalog, quoted there; the text is a parameter.
    private static async Task<string?> AskAsync(NpgsqlConnection connection, string statement, string text, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, connection) { Parameters = { new() { Value = text } } };
        try
        {
            return (string)(await command.ExecuteScalarAsync(cancellationToken))!;
        }
        catch (PostgresException ex) when (ex.SqlState.StartsWith("22", StringComparison.Ordinal) || ex.SqlState is PostgresErrorCodes.FeatureNotSupported or PostgresErrorCodes.CannotCoerce)
        {
            // Class 22 is "data exception": the text is no value of this type. The others come from types that take no text at all.
            return null;
        }
    }

    private static byte[] Recode(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind == JsonValueKind.String
            ? JsonText.Encode(document.RootElement.GetString()!)
            : System.Text.Encoding.UTF8.GetBytes(json);
    }

    [GeneratedRegex(@"\A(?:0|-?[1-9][0-9]{0,8})\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainInteger();

    [GeneratedRegex(@"\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainUuid();
}
