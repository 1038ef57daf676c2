using System.Numerics;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>Sets found by packed tokens, in one array without pointers to keys: a look-up among millions visits one place of cold memory.</summary>
/// <remarks>
/// Open addressing with linear probing. One writer at a time; readers never wait. In one array a slot gets its token once and keeps it: the writer stores the
/// token's length last and readers look at it first, so they see a whole token or none. A token whose set became empty stays as a hole until the
/// array is replaced by one of the right size. A reader that still has the old array finds all that was there when it began.
/// </remarks>
internal sealed class PackedTokenMap<T>
    where T : class
{
    private const int MinCapacity = 4;

    private volatile Slot[] _slots = new Slot[MinCapacity];
    private int _taken;
    private int _count;

    public bool IsEmpty => _count == 0;

    public CompactSet<T> Find(in PackedToken token)
    {
        var slots = _slots;
        var place = PlaceOf(slots, token);
        return place < 0 ? default : slots[place].Items;
    }

    public void Put(in PackedToken token, CompactSet<T> items)
    {
        var place = PlaceOf(_slots, token);
        if (place < 0 && !items.IsEmpty)
        {
            MakeRoom();
            Store(_slots, token, items);
            _taken++;
            _count++;
        }
        else if (place >= 0)
        {
            _count += (items.IsEmpty ? 0 : 1) - (_slots[place].Items.IsEmpty ? 0 : 1);
            _slots[place].Items = items;
        }
    }

    private static int PlaceOf(Slot[] slots, in PackedToken token)
    {
        var mask = slots.Length - 1;
        for (var place = token.GetHashCode() & mask; ; place = (place + 1) & mask)
        {
            ref var slot = ref slots[place];
            var length = Volatile.Read(ref slot.Length);
            if (length == 0)
            {
                return -1;
            }

            if (slot.First == token.First && slot.Second == token.Second && length == token.Length)
            {
                return place;
            }
        }
    }

    private static void Store(Slot[] slots, in PackedToken token, CompactSet<T> items)
    {
        var mask = slots.Length - 1;
        var place = token.GetHashCode() & mask;
        while (slots[place].Length != 0)
        {
            place = (place + 1) & mask;
        }

        ref var slot = ref slots[place];
        slot.First = token.First;
        slot.Second = token.Second;
        slot.Items = items;
        Volatile.Write(ref slot.Length, token.Length);
    }

    // At least a quarter of the slots stay free, or a look-up for what is not there would run far.
    private void MakeRoom()
    {
        var slots = _slots;
        if ((_taken + 1) * 4L <= slots.Length * 3L)
        {
            return;
        }

        var larger = new Slot[Math.Max(MinCapacity, BitOperations.RoundUpToPowerOf2((uint)_count / 2 * 3 + 2))];
        foreach (ref readonly var slot in slots.AsSpan())
        {
            if (!slot.Items.IsEmpty)
            {
                Store(larger, new PackedToken(slot.First, slot.Second, slot.Length), slot.Items);
            }
        }

        _taken = _count;
        _slots = larger;
    }

    private struct Slot
    {
        public ulong First;
        public ulong Second;
        public CompactSet<T> Items;
        public int Length;
    }
}
