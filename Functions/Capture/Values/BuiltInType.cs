namespace Serverless.Capture.Values;

/// <summary>The types whose JSON is neither a string nor made of elements. Their oids are fixed (src/include/catalog/pg_type.dat).</summary>
internal static class BuiltInType
{
    private const uint Int2Vector = 22;
    private const uint OidVector = 30;

    /// <summary>Null for every other type.</summary>
    /// <param name="onInexact">Called when a value has the same JSON as another.</param>
    public static ValueWriter? WriterOf(uint oid, Action onInexact) => oid switch
    {
        16 => BooleanWriter.Instance, // bool
        20 or 21 or 23 => VerbatimWriter.Instance, // int8, int2, int4
        114 or 3802 => VerbatimWriter.Instance, // json, jsonb
        700 or 701 => new NumberWriter(onInexact), // float4, float8
        1700 => NumberWriter.Instance, // numeric
        1114 => TimestampWriter.WithoutZone, // timestamp
        1184 => TimestampWriter.WithZone, // timestamptz
        _ => null,
    };

    public static bool IsVector(uint oid) => oid is Int2Vector or OidVector;
}
