namespace Serverless.Subscriptions.Filters;

/// <summary>The orders of column types that are known in memory, each equal to PostgreSQL's order of that type.</summary>
internal enum ValueOrder
{
    /// <summary><c>int2</c>, <c>int4</c>, <c>int8</c>, <c>oid</c>.</summary>
    Integer,

    /// <summary><c>numeric</c>: any number of digits; infinities at the ends, NaN above all and equal to itself.</summary>
    Numeric,

    /// <summary><c>float4</c>, <c>float8</c>: NaN above all and equal to itself.</summary>
    Float,

    Boolean,

    Date,

    Time,

    /// <summary><c>timestamp</c>, and <c>timestamptz</c> as written in UTC.</summary>
    Timestamp,

    /// <summary>Text in a collation that compares bytes (C, POSIX), <c>uuid</c>, <c>bytea</c>.</summary>
    Bytes,
}
