namespace Serverless.Subscriptions.Filters;

internal static class ValueOrders
{
    /// <summary>The order in which the column's <c>&lt;</c> compares; null where PostgreSQL has to be asked.</summary>
    /// <remarks>An enum's order can be changed by ALTER TYPE at any time, so it is not known here.</remarks>
    public static ValueOrder? For(ColumnDescription column) => column.BaseTypeName switch
    {
        "int2" or "int4" or "int8" or "oid" => ValueOrder.Integer,
        "numeric" => ValueOrder.Numeric,
        "float4" or "float8" => ValueOrder.Float,
        "bool" => ValueOrder.Boolean,
        "date" => ValueOrder.Date,
        "time" => ValueOrder.Time,
        "timestamp" or "timestamptz" => ValueOrder.Timestamp,

        // Their texts in hexadecimal are ordered as their bytes are.
        "uuid" or "bytea" => ValueOrder.Bytes,
        "text" or "varchar" or "name" => column.IsByteOrdered ? ValueOrder.Bytes : null,
        _ => null,
    };
}
