using System.Buffers;

namespace Serverless.Capture.Values;

/// <summary>Turns one type's text output into the JSON that <c>to_jsonb</c> gives for it.</summary>
/// <remarks>
/// The source for which type becomes what is PostgreSQL's <c>jsonb_categorize_type</c> and <c>datum_to_jsonb</c> (src/backend/utils/adt/jsonb.c):
/// booleans, numbers, dates and times, json, arrays, composites, and types of extensions with a cast to json are special; everything else is its text
/// output as a JSON string. The text is as a session with TimeZone=UTC, DateStyle=ISO and bytea_output=hex prints it.
/// </remarks>
internal abstract class ValueWriter
{
    /// <summary>Writes a value that is not null.</summary>
    public abstract void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> text);

    /// <summary>Whether a value that is not null would be written as JSON's null.</summary>
    public virtual bool IsJsonNull(ReadOnlySpan<byte> text) => false;
}
