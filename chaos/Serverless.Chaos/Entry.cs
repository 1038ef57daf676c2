using System.Text.Json;

namespace Serverless.Chaos;

/// <summary>One subscription of one client: how far it has come, the rows as its events make them, and everything that it was given, to be judged at the end.</summary>
internal sealed class Entry(Wish wish, int owner)
{
    private readonly Lock _lock = new();
    private readonly HashSet<(string? Epoch, Position Position)> _positions = [];
    private readonly Dictionary<int, long> _view = [];
    private (string? Epoch, Position Position) _last;

    public Wish Wish => wish;

    public int Owner => owner;

    public EntryPositions Positions { get; } = new();

    /// <summary>The latest reading of the table: what it includes need not have come as an event.</summary>
    public Snapshot? Snapshot { get; private set; }

    public bool NeedsSnapshot { get; set; } = true;

    /// <summary>Every insert, update and delete that was given.</summary>
    public HashSet<(string Operation, long Number)> Given { get; } = [];

    public int Repeated { get; private set; }

    public int Disordered { get; private set; }

    public int Deliveries { get; private set; }

    public void Take(JsonElement message)
    {
        var epoch = message.GetProperty("epoch").GetString();
        foreach (var change in message.GetProperty("changes").EnumerateArray())
        {
            var position = EntryPositions.PositionOf(change);
            if (Positions.Advance(epoch, position))
            {
                lock (_lock)
                {
                    Told(epoch, position, change);
                }
            }
        }
    }

    public void Replace(Snapshot snapshot)
    {
        lock (_lock)
        {
            _view.Clear();
            foreach (var (id, number) in snapshot.Rows)
            {
                _view[id] = number;
            }

            (Snapshot, NeedsSnapshot) = (snapshot, false);
        }
    }

    /// <summary>Rows that differ from what SQL says.</summary>
    public int Differences(Dictionary<int, long> truth)
    {
        lock (_lock)
        {
            return truth.Count(row => !_view.TryGetValue(row.Key, out var number) || number != row.Value) + _view.Keys.Count(id => !truth.ContainsKey(id));
        }
    }

    /// <summary>Up to so many rows that differ from what SQL says: what is had, and what there should be.</summary>
    public List<(int Id, long? Had, long? Should)> Different(Dictionary<int, long> truth, int most)
    {
        lock (_lock)
        {
            return [.. truth.Keys.Union(_view.Keys)
                .Select(id => (id, _view.TryGetValue(id, out var had) ? had : (long?)null, truth.TryGetValue(id, out var should) ? should : (long?)null))
                .Where(row => row.Item2 != row.Item3).Take(most)];
        }
    }

    /// <summary>Whether the row's owner or team, and the filter, let this client see it.</summary>
    public bool MaySee(RowFacts row) => (row.Owner == owner || Schema.IsMember(owner, row.Team)) && wish.Allows(row);

    // What an application would be told.
    private void Told(string? epoch, Position position, JsonElement change)
    {
        Deliveries++;
        Repeated += _positions.Add((epoch, position)) ? 0 : 1;
        Disordered += epoch == _last.Epoch && position < _last.Position ? 1 : 0;
        _last = (epoch, position);
        var operation = change.GetProperty("type").GetString()!;
        var row = change.GetProperty(operation == "DELETE" ? "old_record" : "record");
        var id = row.GetProperty("id").GetInt32();
        if (operation != "DELETE")
        {
            _view[id] = row.GetProperty("number").GetInt64();
            Given.Add((operation, _view[id]));
            return;
        }

        _view.Remove(id);
        if (!change.TryGetProperty("left", out var left) || !left.GetBoolean())
        {
            Given.Add((operation, row.GetProperty("number").GetInt64()));
        }
    }
}
