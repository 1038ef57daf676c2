using System.Collections.Concurrent;

namespace Serverless.Subscriptions.Matching;

/// <summary>A set by reference that is one pointer wide: nearly every set of an index holds one item, and there are millions of them.</summary>
/// <typeparam name="T">A class that no array and no dictionary is: the set tells its forms apart by their types.</typeparam>
/// <remarks>
/// One writer at a time, any number of readers, none of whom waits. A small set is replaced as a whole when it changes, by the value that <see cref="With"/> and
/// <see cref="Without"/> return; a large one changes in place. Either way a reader sees every item that was there from before it began until after it ended.
/// </remarks>
internal readonly struct CompactSet<T>
    where T : class
{
    private const int MaxFew = 16;

    // Null, the one item, an array of two to MaxFew, or the keys of a dictionary.
    private readonly object? _items;

    private CompactSet(object? items) => _items = items;

    public bool IsEmpty => _items is null;

    public int Count => _items switch
    {
        null => 0,
        T[] few => few.Length,
        ConcurrentDictionary<T, bool> many => many.Count,
        _ => 1,
    };

    public CompactSet<T> With(T item) => _items switch
    {
        null => new(item),
        T[] few => Array.IndexOf(few, item) >= 0 ? this : few.Length < MaxFew ? new(Append(few, item)) : new(Spread(few, item)),
        ConcurrentDictionary<T, bool> many => Put(many, item),
        var one => ReferenceEquals(one, item) ? this : new(new[] { (T)one, item }),
    };

    public CompactSet<T> Without(T item) => _items switch
    {
        null => this,
        T[] few => Cut(few, item),
        ConcurrentDictionary<T, bool> many => Take(many, item),
        var one => ReferenceEquals(one, item) ? default : this,
    };

    public bool Contains(T item) => _items switch
    {
        null => false,
        T[] few => Array.IndexOf(few, item) >= 0,
        ConcurrentDictionary<T, bool> many => many.ContainsKey(item),
        var one => ReferenceEquals(one, item),
    };

    /// <summary>The item, where it is the only one and so needs no enumeration.</summary>
    public T? Single => _items as T;

    public IEnumerable<T> All() => _items switch
    {
        null => [],
        T[] few => few,
        ConcurrentDictionary<T, bool> many => many.Select(pair => pair.Key),
        var one => [(T)one],
    };

    private static T[] Append(T[] few, T item)
    {
        var more = new T[few.Length + 1];
        few.CopyTo(more, 0);
        more[^1] = item;
        return more;
    }

    private static ConcurrentDictionary<T, bool> Spread(T[] few, T item) => new(
        concurrencyLevel: 1, few.Append(item).Select(one => KeyValuePair.Create(one, true)), ReferenceEqualityComparer.Instance);

    private static CompactSet<T> Cut(T[] few, T item)
    {
        var rest = Array.FindAll(few, one => !ReferenceEquals(one, item));
        return rest.Length switch
        {
            0 => default,
            1 => new(rest[0]),
            _ => new(rest),
        };
    }

    private CompactSet<T> Put(ConcurrentDictionary<T, bool> many, T item)
    {
        many[item] = true;
        return this;
    }

    private CompactSet<T> Take(ConcurrentDictionary<T, bool> many, T item)
    {
        many.TryRemove(item, out _);
        return many.IsEmpty ? default : this;
    }
}
