using System.Globalization;

namespace Serverless.Subscriptions.Filters;

/// <summary>A column of the differential test: its type, and values of that type as PostgreSQL reads them.</summary>
internal sealed record SampleColumn(string Name, string Type, Func<Random, string> Value)
{
    public bool IsText => Name is "t_c" or "t_icu" or "t" or "vc" or "ch" or "nm" or "ci" or "la";
}

/// <summary>Columns of every kind that a filter may meet, with values chosen for their borders and others at random.</summary>
/// <remarks>
/// Left out is a value that <c>to_jsonb</c>, and so an image, cannot tell from others: an array whose first index is not 1. JSON's null is another, and is here: of it filters may say that they do not know.
/// </remarks>
internal static class FilterSamples
{
    public const string Types =
        """
        create extension if not exists citext;
        create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        create type mood as enum ('sad', 'ok', 'a,b', 'Happy');
        create type pair as (x int, y text);
        create domain positive as int check (value > 0);
        create domain label as text check (length(value) > 0);
        """;

    private static readonly string[] _texts =
    [
        "", " ", "a", "A", "a ", "ab", "aB", "b", "B", "ä", "Ä", "z", "e\u0301", "é", "\"", "\\", "\n", "\t", "\u0001", "null", "1", "\u2028", "😀", "a😀b", "a%b", "a_b", "axb", "a,b", "(a)", "a.b", "I", "ı", "ß", "ss",
    ];

    public static IReadOnlyList<SampleColumn> Columns { get; } =
    [
        new("b", "boolean", random => Pick(random, "true", "f")),
        new("i2", "smallint", random => Pick(random, "0", "7", "-7", "32767", "-32768")),
        new("i4", "integer", random => Pick(random, "0", "07", " 7 ", "2147483647", "-2147483648", Integer(random, 20))),
        new("i8", "bigint", random => Pick(random, "0", "9007199254740993", "9007199254740992", "9223372036854775807", "-9223372036854775808", Integer(random, 20))),
        new("num", "numeric", Numeric),
        new("num2", "numeric(10,2)", random => Pick(random, "0", "0.00", "1.10", "1.1", "-1.1", "99999999.99")),
        new("f4", "real", random => Pick(random, "0.1", "-0", "0", "NaN", "Infinity", "-Infinity", "1e-30", "16777216", "3.4e38", Float(random))),
        new("f8", "double precision", random => Pick(random, "0.1", "-0", "0", "NaN", "Infinity", "-Infinity", "1e300", "-1e-300", "123456789012345678", Float(random))),
        new("t_c", "text collate \"C\"", Text),
        new("t_icu", "text collate \"en-x-icu\"", Text),
        new("t_loose", "text collate loose", Text),
        new("t", "text", Text),
        new("vc", "varchar(20) collate \"C\"", Text),
        new("ch", "char(6)", random => Text(random) is { Length: <= 6 } text ? text : "a"),
        new("nm", "name", Text),
        new("u", "uuid", random => Pick(random, "7d3c1a52-0000-4000-8000-00000000000a", "7D3C1A52-0000-4000-8000-00000000000B", "{ffffffff-0000-4000-8000-00000000000a}", "00000000-0000-0000-0000-000000000000")),
        new("by", "bytea", random => Pick(random, "", "\\x00", "\\x0a", "\\x0A0b", "abc", "\\xff")),
        new("d", "date", random => Pick(random, "2026-01-01", "0044-03-15 BC", "0001-01-01 BC", "0001-12-31 BC", "0001-01-01", "infinity", "-infinity", "12026-02-28", "5874897-12-31", "4713-11-24 BC", Day(random))),
        new("ti", "time", random => Pick(random, "10:00", "10:00:00.000001", "24:00", "00:00", "23:59:59.999999", "10:00:00.5")),
        new("ttz", "timetz", random => Pick(random, "10:00+00", "11:00+01", "10:00+01")),
        new("ts", "timestamp", random => Pick(random, "2026-01-01", "2026-01-01 00:00:00.000001", "infinity", "-infinity", "0044-03-15 10:00 BC", "294276-12-31 23:59:59.999999", Day(random) + " 12:34:56.7")),
        new("tstz", "timestamptz", random => Pick(random, "2026-01-01 10:00+00", "2026-01-01 12:00+02", "2026-01-01 10:00:00.5Z", "infinity", "-infinity", "0044-03-15 10:00:00.25 BC", "12026-02-28 00:00+05:30", Day(random) + " 12:34:56.78-03")),
        new("iv", "interval", random => Pick(random, "1 day", "24 hours", "1 mon", "30 days", "-1 day")),
        new("o", "oid", random => Pick(random, "0", "7", "4294967295")),
        new("mo", "mood", random => Pick(random, "sad", "ok", "a,b", "Happy")),
        new("ci", "citext", random => Text(random)),
        new("ia", "integer[]", random => Pick(random, "{}", "{1,2}", "{1,2,3}", "{NULL}")),
        new("ta", "text[]", random => Pick(random, "{}", "{a,\"b,c\"}", "{A}")),
        new("j", "jsonb", random => Pick(random, "1", "null", "1.0", "\"a\"", "{\"a\": 1}", "[1, 2]")),
        new("js", "json", random => Pick(random, "1", "null", "{\"a\": 2}")),
        new("rg", "int4range", random => Pick(random, "[1,3]", "[1,4)", "empty", "(,)")),
        new("ip", "inet", random => Pick(random, "10.0.0.1", "10.0.0.1/8", "::1")),
        new("pt", "point", random => Pick(random, "(1,2)", "(0,0)")),
        new("cp", "pair", random => Pick(random, "(1,a)", "(1,b)", "(,)", "(1,)")),
        new("po", "positive", random => Pick(random, "1", "7", "2147483647")),
        new("la", "label", random => Text(random) is { Length: > 0 } text ? text : "a"),
        new("mixed Case \"%,.", "integer", random => Integer(random, 5)),
    ];

    public static string Text(Random random) => random.Next(3) > 0
        ? Pick(random, _texts)
        : string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => Pick(random, "a", "b", "A", "é", "\\", "_", "%", " ")));

    public static string Pattern(Random random) => random.Next(3) == 0
        ? Pick(random, _texts)
        : string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => Pick(random, "%", "%", "_", "a", "b", "A", "é", "😀", "\\%", "\\\\", "\\a", " ")));

    public static string Expression(Random random) =>
        Pick(random, "^a", "b$", ".", "[ab]+", "^$", "(", "a{2,1}", "\\w", "(a)\\1", "^(a|b)*$", "é", "[[:upper:]]", "***=a", "*", "");

    public static string Pick(Random random, params string[] values) => values[random.Next(values.Length)];

    private static string Integer(Random random, int bound) => random.Next(-bound, bound + 1).ToString(CultureInfo.InvariantCulture);

    private static string Day(Random random) => new DateOnly(random.Next(1, 9999), random.Next(1, 13), random.Next(1, 29)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Float(Random random) => ((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-30, 30))).ToString("R", CultureInfo.InvariantCulture);

    private static string Numeric(Random random)
    {
        if (random.Next(2) == 0)
        {
            return Pick(
                random, "0", "0.000", "1", "1.0", "-1", "-1.00", "NaN", "Infinity", "-Infinity", "1e131071", "-1e131071", "1e-16383", "-1e-16383", "12345678901234567890.5", "12345678901234567890.50", "1234567890123", "12345678901234", "1234567890123.4",
                "-12345678901234567890.5", "-12345678901234567890", "100", "99.999", "0.1", "0.01", "0.010");
        }

        var digits = string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => (char)('0' + random.Next(random.Next(2) == 0 ? 10 : 2))));
        var point = random.Next(digits.Length + 1);
        return $"{Pick(random, "", "-")}{digits[..point]}.{digits[point..]}0";
    }
}
