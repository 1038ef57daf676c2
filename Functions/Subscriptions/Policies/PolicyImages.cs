using System.Buffers;
using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.Policies;

/// <summary>A batch's images as rows to ask PostgreSQL about, with no more columns than the policies read.</summary>
/// <remarks>
/// An image that lacks one of those columns, or has one whose JSON another value shares, becomes no row, and is not visible. One whose <c>json</c> column is null becomes two, since the log's
/// images do not tell SQL's null from JSON's: it is visible if it is either way.
/// </remarks>
internal sealed class PolicyImages
{
    // Each unclear null doubles the rows; from here on it is simply not visible.
    private const int MaxUnclearNulls = 4;

    private readonly TablePolicy _policy;
    private readonly IReadOnlyList<string> _columns;
    private readonly (int First, int Count)[] _rowsOf;
    private readonly List<string> _rows = [];
    private readonly string[] _inexact;
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public PolicyImages(TablePolicy policy, IReadOnlyList<RowImage> images)
    {
        _policy = policy;

        // A domain may forbid null, and a column left out is null.
        _columns = [.. policy.AllColumns.Where(column => column.IsDomain || policy.Columns.Contains(column.Name)).Select(column => column.Name)];
        _rowsOf = new (int, int)[images.Count];
        _inexact = [.. images.SelectMany(image => image.Inexact).Distinct(StringComparer.Ordinal).Where(policy.Columns.Contains)];
        for (var i = 0; i < images.Count; i++)
        {
            _rowsOf[i] = (_rows.Count, Add(images[i]));
        }
    }

    public string[] Rows => [.. _rows];

    /// <summary>The columns for which the policies cannot be asked about one of some images; null where there is none.</summary>
    public PolicyFailure? InexactAmong(IEnumerable<RowImage> images)
    {
        string[] columns = _inexact.Length == 0 ? [] : [.. _inexact.Intersect(images.SelectMany(image => image.Inexact))];
        return columns.Length == 0 ? null : new PolicyFailure(PolicyFailure.InexactImage) { Columns = columns, Scope = FailureScope.SomeRows };
    }

    /// <summary>The rows of some images, as places from 1.</summary>
    public IEnumerable<int> PlacesOf(IEnumerable<int> images) =>
        images.SelectMany(image => Enumerable.Range(_rowsOf[image].First + 1, _rowsOf[image].Count));

    /// <summary>Which of some images are visible, from <c>t</c> and <c>f</c> for each of their rows.</summary>
    public bool[] Read(string answer, IReadOnlyList<int> images)
    {
        var visible = new bool[images.Count];
        var at = 0;
        for (var i = 0; i < visible.Length; i++)
        {
            var count = _rowsOf[images[i]].Count;
            visible[i] = count > 0 && !answer.AsSpan(at, count).Contains('f');
            at += count;
        }

        return at == answer.Length
            ? visible
            : throw new InvalidOperationException($"The policies answered for {answer.Length} rows and were asked about {at}.");
    }

    private int Add(RowImage image)
    {
        if (_policy.Columns.Any(column => !image.Has(image.Relation.OrdinalOf(column))) || image.Inexact.Any(_policy.Columns.Contains))
        {
            return 0;
        }

        string[] unclear = [.. _policy.JsonColumns.Where(column => image.ValueOf(image.Relation.OrdinalOf(column)).SequenceEqual("null"u8))];
        if (unclear.Length > MaxUnclearNulls)
        {
            return 0;
        }

        var variants = 1 << unclear.Length;
        for (var variant = 0; variant < variants; variant++)
        {
            // A column that is left out takes JSON's null from the record that the rows are made from.
            _rows.Add(Write(image, column => Array.IndexOf(unclear, column) is var place and >= 0 && (variant & (1 << place)) != 0));
        }

        return variants;
    }

    private string Write(RowImage image, Func<string, bool> isLeftOut)
    {
        _buffer.ResetWrittenCount();
        _buffer.Write("{"u8);
        foreach (var column in _columns)
        {
            var ordinal = image.Relation.OrdinalOf(column);
            if (!image.Has(ordinal) || isLeftOut(column))
            {
                continue;
            }

            if (_buffer.WrittenCount > 1)
            {
                _buffer.Write(","u8);
            }

            JsonText.Write(_buffer, Encoding.UTF8.GetBytes(column));
            _buffer.Write(":"u8);
            _buffer.Write(image.ValueOf(ordinal));
        }

        _buffer.Write("}"u8);
        return Encoding.UTF8.GetString(_buffer.WrittenSpan);
    }
}
