using System.Text;

namespace Serverless.Subscriptions.Filters;

/// <summary>How two values of a column's type are found equal, working on their JSON tokens.</summary>
/// <remarks>A type is here only where this provably agrees with its <c>=</c> operator in PostgreSQL.</remarks>
internal enum EqualityRule
{
    /// <summary>The same token: the type has one text for each value.</summary>
    SameToken,

    /// <summary>The same number: <c>numeric</c> keeps trailing zeros in its text and not in its value.</summary>
    SameNumber,

    /// <summary>The same text up to trailing spaces: <c>character(n)</c>, whose blanks do not count.</summary>
    PaddedText,
}

internal static class EqualityRules
{
    /// <summary>The rule for a type, by <c>pg_type.typname</c> of its base type; null where PostgreSQL would have to be asked.</summary>
    public static EqualityRule? For(string typeName, bool isEnum) => typeName switch
    {
        "bool" or "int2" or "int4" or "int8" or "float4" or "float8" or "oid" => EqualityRule.SameToken,
        "text" or "varchar" or "name" or "uuid" or "bytea" => EqualityRule.SameToken,
        "date" or "time" or "timestamp" or "timestamptz" => EqualityRule.SameToken,
        "numeric" => EqualityRule.SameNumber,
        "bpchar" => EqualityRule.PaddedText,
        _ => isEnum ? EqualityRule.SameToken : null,
    };

    /// <summary>Brings a token to the form in which equal values have equal bytes.</summary>
    public static ReadOnlySpan<byte> Normalize(this EqualityRule rule, ReadOnlySpan<byte> token) => rule switch
    {
        EqualityRule.SameNumber when token.Contains((byte)'.') => TrimFraction(token),
        EqualityRule.PaddedText when token is [(byte)'"', .., (byte)'"'] => TrimPadding(token),
        _ => token,
    };

    /// <summary>The bytes to compare for a value, from the text of its JSON token.</summary>
    public static byte[] Token(this EqualityRule rule, string token) => rule.Normalize(Encoding.UTF8.GetBytes(token)).ToArray();

    /// <summary>The one JSON token that stands for all those that the rule finds equal.</summary>
    public static string Canonical(this EqualityRule rule, ReadOnlySpan<byte> token)
    {
        var normal = Encoding.UTF8.GetString(rule.Normalize(token));
        return rule == EqualityRule.PaddedText && normal.StartsWith('"') ? normal + '"' : normal;
    }

    private static ReadOnlySpan<byte> TrimFraction(ReadOnlySpan<byte> number) => number.TrimEnd((byte)'0').TrimEnd((byte)'.');

    // The closing quote is left off too, on both sides of every comparison.
    private static ReadOnlySpan<byte> TrimPadding(ReadOnlySpan<byte> token) => token[..^1].TrimEnd((byte)' ');
}
