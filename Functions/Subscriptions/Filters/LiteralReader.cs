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
    /// <summary>Reads values as the tokens that images have for them.</summary>
    /// <returns>The tokens in order, up to the first text that is not a value of the column's type.</returns>
    public static async Task<IReadOnlyList<byte[]>> ReadTokensAsync(
        NpgsqlConnection connection, ColumnDescription column, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        var known = texts.Select(text => TokenOf(column, text)).ToList();
        string[] asked = [.. texts.Where((_, i) => known[i] is null)];
        var answers = new Queue<string>(await AskAsync(connection, $"to_jsonb(v::{column.SqlType})", asked, cancellationToken));
        var tokens = new List<byte[]>(texts.Count);
        foreach (var token in known)
        {
            if (token is null && answers.Count == 0)
            {
                break;
            }

            tokens.Add(token ?? Recode(answers.Dequeue()));
        }

        return tokens;
    }

    /// <summary>Reads values that only PostgreSQL will ever compare.</summary>
    /// <returns>The values as the type writes them in order, up to the first text that is not a value of the column's type.</returns>
    public static Task<IReadOnlyList<string>> ReadTextsAsync(
        NpgsqlConnection connection, ColumnDescription column, IReadOnlyList<string> texts, CancellationToken cancellationToken) =>
        AskAsync(connection, $"(v::{column.SqlType})", texts, cancellationToken);

    private static byte[]? TokenOf(ColumnDescription column, string text) => column.BaseTypeName switch
    {
        _ when text.Contains('\0', StringComparison.Ordinal) => null,
        "text" or "varchar" => JsonText.Encode(text),
        "int4" or "int8" when PlainInteger().IsMatch(text) => System.Text.Encoding.ASCII.GetBytes(text),
        "uuid" when PlainUuid().IsMatch(text) => JsonText.Encode(text),
        _ => null,
    };

    // All in one statement. Where one is no value the statement fails as a whole, and halves of it tell which.
    private static async Task<IReadOnlyList<string>> AskAsync(
        NpgsqlConnection connection, string expression, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        string[] asked = [.. texts.TakeWhile(text => !text.Contains('\0', StringComparison.Ordinal))];
        var answers = await AskOnceAsync(connection, expression, asked, cancellationToken);
        if (answers is not null || asked.Length == 1)
        {
            return answers ?? [];
        }

        var half = asked.Length / 2;
        var first = await AskAsync(connection, expression, asked[..half], cancellationToken);
        return first.Count < half ? first : [.. first, .. await AskAsync(connection, expression, asked[half..], cancellationToken)];
    }

    // The type's name in the statement comes from the catalog, quoted there; the texts are a parameter.
    private static async Task<IReadOnlyList<string>?> AskOnceAsync(
        NpgsqlConnection connection, string expression, string[] texts, CancellationToken cancellationToken)
    {
        if (texts.Length == 0)
        {
            return [];
        }

        await using var command = new NpgsqlCommand($"select array(select {expression}::text from unnest($1::text[]) with ordinality as t (v, n) order by n)", connection)
        {
            Parameters = { new() { Value = texts } },
        };
        try
        {
            return (string[])(await command.ExecuteScalarAsync(cancellationToken))!;
        }
        catch (PostgresException ex) when (ex.SqlState.StartsWith("22", StringComparison.Ordinal) || ex.SqlState is PostgresErrorCodes.FeatureNotSupported or PostgresErrorCodes.CannotCoerce)
        {
            // Class 22 is "data exception": a text is no value of this type. The others come from types that take no text at all.
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
