using System.Text.Json;

namespace Serverless.Changes;

/// <summary>One version of a row: a JSON object with the values that <c>to_jsonb</c> would give, columns in the relation's order.</summary>
/// <remarks>
/// A column that the log did not carry (a TOASTed value that an update left alone, a key-only old image) is absent from
/// the object, which is not the same as null: ask <see cref="Has"/> before judging by a column.
/// Not safe for use by several threads before the first access to a value; a batch is handled by one.
/// </remarks>
internal sealed class RowImage(Relation relation, ReadOnlyMemory<byte> json)
{
    // PostgreSQL takes json as deep as its stack lets it, some thousands; the reader's own limit is 64.
    internal const int MaxDepth = 20_000;

    private static readonly JsonReaderOptions _readerOptions = new() { MaxDepth = MaxDepth };

    private (int Start, int Length)[]? _values;

    public Relation Relation { get; } = relation;

    /// <summary>The object as UTF-8 JSON, without white space around its tokens.</summary>
    public ReadOnlyMemory<byte> Json { get; } = json;

    /// <summary>Steps that patterns have taken over this image. Whoever takes them counts them here, so that all who look at an image share one bound.</summary>
    public long PatternSteps { get; set; }

    /// <summary>
    /// Columns whose value is one of several that have the same JSON: an array that does not begin at 1, a JSON null within an array or a composite value, a float's negative zero. A row made
    /// of the JSON would have another.
    /// </summary>
    public IReadOnlyList<string> Inexact { get; init; } = [];

    /// <summary>Whether every streamed column has its value here.</summary>
    public bool IsComplete
    {
        get
        {
            foreach (var (_, length) in Values)
            {
                if (length == 0)
                {
                    return false;
                }
            }

            return true;
        }
    }

    private (int Start, int Length)[] Values => _values ??= FindValues();

    public bool Has(int ordinal) => ordinal >= 0 && Values[ordinal].Length > 0;

    /// <summary>The column's value as a JSON token (<c>null</c> included); empty when the image lacks the column.</summary>
    public ReadOnlySpan<byte> ValueOf(int ordinal)
    {
        var (start, length) = Values[ordinal];
        return Json.Span.Slice(start, length);
    }

    private (int Start, int Length)[] FindValues()
    {
        var values = new (int, int)[Relation.Columns.Count];
        var reader = new Utf8JsonReader(Json.Span, _readerOptions);
        reader.Read();
        var next = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var ordinal = OrdinalOf(ref reader, ref next);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (ordinal >= 0)
            {
                values[ordinal] = (start, (int)reader.BytesConsumed - start);
            }
        }

        return values;
    }

    // Columns come in the relation's order with a few absent, so the next one is nearly always the one looked for.
    private int OrdinalOf(ref Utf8JsonReader reader, ref int next)
    {
        for (var i = next; i < Relation.Columns.Count; i++)
        {
            if (reader.ValueTextEquals(Relation.Columns[i].Name))
            {
                next = i + 1;
                return i;
            }
        }

        return Relation.OrdinalOf(reader.GetString()!);
    }
}
