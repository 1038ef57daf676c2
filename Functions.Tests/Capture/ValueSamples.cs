namespace Serverless.Capture;

/// <summary>Text forms of values, type by type: the edges of each, for the differential test.</summary>
internal static class ValueSamples
{
    private static readonly string[] _texts =
    [
        "", " ", "a", "NULL", "null", "Null", "a b", "a,b", "{}", "{a}", "()", "(a,b)", "a;b", "[1:2]={1}", "\"", "\"\"", "\\", "\\\\", "\\\"", "a\"b\\c", "'", "''",
        "\u0001\u001f\u007f", "\t\n\r\b\f\v", "/", "<&>", "ü", "日本語", "👍🏽", "\u2028\u2029", "\ufeffbom", "é", "true", "1", "1e5", "{\"a\": 1}", "\\u0041", "ends with \\",
    ];

    private static readonly string[] _floats =
    [
        "0", "-0", "1", "-1", "0.1", "1e-5", "1.5e-7", "-1.25e-10", "1e15", "1e16", "1.5e20", "-9.87e30", "1e37", "1.17549435e-38", "1e-45", "3.4028235e38", "NaN", "Infinity", "-Infinity", "123456.789",
    ];

    private static readonly string[] _jsons =
    [
        "null", "true", "1", "-0", "1.50", "1e5", "1.5E-3", "12345678901234567890.123456789", "\"\"", "\"a\\\"b\\\\c\\/\\u00e9\\n\"", "[]", "{}", "[1,[2,[3,{}]]]",
        "{\"a\":{\"b\":[null,true,{\"c\":\"d\"}]},\"\":1}", " { \"spaced\" :\t[ 1 , 2 ]\n} ", "{\"k\":\"日本 {},\\\"\\\\ ()\"}", "{\"dup\":1,\"dup\":2}", "{\"b\":1,\"a\":2}",
    ];

    public static IReadOnlyDictionary<string, string[]> All { get; } = new Dictionary<string, string[]>
    {
        ["bool"] = ["true", "false"],
        ["int2"] = ["0", "-32768", "32767"],
        ["int4"] = ["0", "-2147483648", "2147483647"],
        ["int8"] = ["0", "-9223372036854775808", "9223372036854775807", "9007199254740993"],
        ["float4"] = _floats,
        ["float8"] = [.. _floats, "1e-307", "5e-324", "1.7976931348623157e308", "2.2250738585072014e-308", "0.30000000000000004"],
        ["numeric"] =
        [
            "0", "-0", "0.00", "1.10", "-1.000", "1e-30", "1.5e3", "123456789012345678901234567890.123456789012345678901234567890", "NaN", "99999999999999999999999999", "1e200", "-1e-200",
        ],
        ["numeric(10,3)"] = ["0", "1", "-1.5", "1234567.891"],
        ["text"] = _texts,
        ["varchar(20)"] = ["", "a\"b\\", "NULL"],
        ["char(6)"] = ["", "ab", "a\"b"],
        ["\"char\""] = ["a", "\"", "\\", "1", "", "{"],
        ["name"] = ["", "a b", "a\"b\\c", "ü"],
        ["bytea"] = ["", "\\x00", "\\xdeadBEEF", "\\x5c22"],
        ["date"] = ["2026-02-28", "0001-01-01", "0044-03-15 BC", "4713-01-01 BC", "5874897-12-31", "12026-01-01", "infinity", "-infinity"],
        ["time"] = ["00:00:00", "23:59:59.999999", "24:00:00", "12:30:00.5"],
        ["timetz"] = ["00:00:00+00", "23:59:59.999999-12:30", "12:00:00+05:45", "12:00:00+00:00:01"],
        ["timestamp"] =
        [
            "2026-02-28 12:34:56.789", "2026-02-28 00:00:00", "0001-01-01 00:00:00", "0044-03-15 10:00:00.5 BC", "12026-01-01 00:00:00", "294276-12-31 23:59:59.999999", "infinity", "-infinity",
        ],
        ["timestamptz"] =
        [
            "2026-02-28 12:34:56.789+05:45", "2026-02-28 00:00:00 America/New_York", "1883-11-18 12:00:00 America/New_York", "0044-03-15 10:00:00.000001+00 BC", "12026-01-01 00:00:00+00", "infinity", "-infinity",
        ],
        ["timestamptz(0)"] = ["2026-02-28 12:34:56.789+00"],
        ["interval"] = ["0", "1 year -2 mons 3 days 04:05:06.789", "-1 day", "100000 hours", "1 mon ago"],
        ["json"] = _jsons,
        ["jsonb"] = _jsons,
        ["jsonpath"] = ["$.a[*] ? (@ > 1)", "$"],
        ["uuid"] = ["00000000-0000-0000-0000-000000000000", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
        ["xml"] = ["<a b=\"c\">&amp;{}</a>", "text, \"quoted\" \\"],
        ["bit(3)"] = ["101"],
        ["varbit"] = ["", "1", "0101010101"],
        ["inet"] = ["192.168.0.1", "192.168.0.1/24", "::1", "2001:db8::/32"],
        ["cidr"] = ["10.0.0.0/8", "::/0"],
        ["macaddr"] = ["08:00:2b:01:02:03"],
        ["macaddr8"] = ["08:00:2b:01:02:03:04:05"],
        ["tsvector"] = ["", "'a':1A 'quo''ted':2 'b \"c\\\\d'", "fat cat"],
        ["tsquery"] = ["'a' & !'b' | 'c d':*AB", "fat <-> cat"],
        ["money"] = ["0", "1234567.89", "-0.01"],
        ["oid"] = ["0", "4294967295"],
        ["xid"] = ["0", "4294967295"],
        ["xid8"] = ["18446744073709551615"],
        ["cid"] = ["1"],
        ["tid"] = ["(0,1)"],
        ["pg_lsn"] = ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"],
        ["pg_snapshot"] = ["10:20:10,14,15"],
        ["regclass"] = ["pg_class", "public.\"Odd, \"\"name\\\""],
        ["regtype"] = ["int4", "timestamptz", "int8[]"],
        ["int2vector"] = ["", "1", "1 -2 3"],
        ["oidvector"] = ["", "1", "1 2 4294967295"],
        ["point"] = ["(1,-2.5)", "(1e20,1e-20)"],
        ["line"] = ["{1,2,3}"],
        ["lseg"] = ["[(0,0),(1,1)]"],
        ["box"] = ["(1,1),(0,0)", "(2.5,3),(-1,-1)"],
        ["path"] = ["((0,0),(1,1))", "[(0,0),(1,1),(2,0)]"],
        ["polygon"] = ["((0,0),(1,1),(2,0))"],
        ["circle"] = ["<(1,2),3>"],
        ["int4range"] = ["empty", "[1,5)", "(,)", "[5,)"],
        ["int8range"] = ["[-9223372036854775808,9223372036854775807)"],
        ["numrange"] = ["[1.10,2.20]", "(,0.0)"],
        ["daterange"] = ["[2026-01-01,2026-02-01)", "[-infinity,infinity]"],
        ["tsrange"] = ["[\"2026-01-01 00:00:00\",\"2026-01-02 12:30:00.5\")"],
        ["tstzrange"] = ["[2026-01-01 00:00:00+02,infinity)"],
        ["int4multirange"] = ["{}", "{[1,3),[5,7)}"],
        ["tstzmultirange"] = ["{[2026-01-01 00:00:00+02,2026-01-02 00:00:00+02)}"],
        ["mood"] = ["glad", "so \"so\"", "{odd, one}", "back\\slash", ""],
        ["nested"] = ["(1,\"a,\"\"b\\\\\",\"{1,NULL,3}\",\"2026-01-01 10:00:00+00\",t)", "(,,,,)", "(0,\"\",\"{}\",infinity,f)"],
        ["small_text"] = ["a", "a\"b"],
        ["textrange"] = ["[\"a,\\\"\",\"b \\\\ c\")", "empty"],
        ["hstore"] = ["", "a=>1", "\"k \\\"q\\\"\"=>NULL, b=>\"日本\""],
        ["citext"] = ["MiXed \"q\""],
        ["ltree"] = ["Top.Science.Astronomy", ""],
        ["holder"] = ["(1,\"a=>1\")", "(,)"],
    };

    /// <summary>Types of the tests' own, and what needs an extension.</summary>
    public static string Definitions => """"
        create table "Odd, ""name\" ();
        create extension hstore; create extension citext; create extension ltree;
        create type mood as enum ('glad', 'so "so"', '{odd, one}', 'back\slash', '');
        create type nested as (n int, gone text, "t ""x""" text, a int[], at timestamptz, b bool);
        alter type nested drop attribute gone;
        create domain small_text as text check (length(value) < 100);
        create domain small_array as int[];
        create type textrange as range (subtype = text);
        create type holder as (id int, h hstore);
        """";

    /// <summary>A value at random in a type's text form; null for a type that has none here.</summary>
    public static string? AtRandom(string type, Random random) => type switch
    {
        "int8" => random.NextInt64(long.MinValue, long.MaxValue).ToString(),
        "float4" => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)).ToString("R"),
        "float8" => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)).ToString("R"),
        "numeric" => $"{random.NextInt64(long.MinValue, long.MaxValue)}{(random.Next(2) == 0 ? "" : $".{random.NextInt64(0, long.MaxValue)}")}e{random.Next(-40, 40)}",
        "text" or "xml" => string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => _texts[random.Next(_texts.Length)])).Replace('<', '(').Replace('&', '+')
            .Replace("\u0001", "").Replace("\u001f", "").Replace("\b", "").Replace("\f", "").Replace("\v", ""),
        "timestamp" or "timestamptz" => random.Next(3) == 0
            ? $"{random.Next(1, 4700):0000}-{random.Next(1, 13):00}-{random.Next(1, 29):00} 01:02:03.{random.Next(1_000_000):000000} BC"
            : new DateTime(random.NextInt64(DateTime.MaxValue.Ticks)).ToString("yyyy-MM-dd HH:mm:ss.ffffff"),
        "bytea" => "\\x" + Convert.ToHexString(BitConverter.GetBytes(random.NextInt64())),
        "interval" => $"{random.Next(-100, 100)} mons {random.Next(-100, 100)} days {random.Next(-100000, 100000)} secs",
        _ => null,
    };
}
