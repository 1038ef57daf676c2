using System.Runtime.CompilerServices;
using Serverless.Changes;

namespace Serverless.Subscriptions.FanOut;

/// <summary>Which of a relation's columns go to a group. The same choice is the same object, so that what was encoded for it is found by it.</summary>
internal sealed class ColumnMask
{
    private static readonly ConditionalWeakTable<Relation, Dictionary<string, ColumnMask>> _known = [];

    private readonly bool[] _included;

    private ColumnMask(bool[] included)
    {
        _included = included;
        IsAll = included.All(one => one);
    }

    public bool IsAll { get; }

    public bool this[int ordinal] => _included[ordinal];

    /// <param name="chosen">Names asked for; null for all. The primary key is always among them, and so is what the log knows an old row by.</param>
    /// <param name="readable">Names that the role may read; null for all.</param>
    public static ColumnMask Of(Relation relation, IReadOnlyCollection<string>? chosen, IReadOnlyCollection<string>? readable)
    {
        var included = relation.Columns
            .Select(column => (chosen is null || column.IsKey || column.IsPrimary || chosen.Contains(column.Name)) && (readable is null || readable.Contains(column.Name)))
            .ToArray();
        var masks = _known.GetOrCreateValue(relation);
        lock (masks)
        {
            var key = string.Concat(included.Select(one => one ? '1' : '0'));
            return masks.TryGetValue(key, out var known) ? known : masks[key] = new ColumnMask(included);
        }
    }
}
