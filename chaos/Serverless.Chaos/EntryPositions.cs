using System.Text.Json;

namespace Serverless.Chaos;

/// <summary>
/// How far one subscription to one table has come, by the rules of the TypeScript client (<c>client/src/entryPositions.ts</c>): what was seen tells repeats and holes, the cursor
/// says what was sent and must not hide a hole.
/// </summary>
internal sealed class EntryPositions
{
    private Position _floor;
    private Position _cursor;
    private Position? _seen;
    private bool _torn;

    public string? Epoch { get; private set; }

    private Position? LastSeen => _seen is { } seen ? Position.Later(seen, _floor) : null;

    /// <summary>Begins at the cursor of a join or a gap.</summary>
    public void Begin(JsonElement cursor)
    {
        var epoch = cursor.GetProperty("epoch").GetString();
        if (epoch != Epoch)
        {
            _seen = null;
        }

        Epoch = epoch;
        _floor = _cursor = PositionOf(cursor);
        _torn = false;
    }

    /// <summary>Goes on from a gap's cursor. What still comes from before it is in the new reading of the table.</summary>
    public void BeginAnew(JsonElement cursor)
    {
        Begin(cursor);
        _seen = _cursor;
    }

    /// <summary>Takes a <c>progress</c>; false where it is of another epoch.</summary>
    public bool MoveOn(JsonElement progress)
    {
        if (progress.GetProperty("epoch").GetString() != Epoch)
        {
            return false;
        }

        _cursor = Position.Later(_cursor, PositionOf(progress));
        return true;
    }

    /// <summary>Whether the change is new; if so it is the last from now on.</summary>
    public bool Advance(string? epoch, Position position)
    {
        if (epoch != Epoch || (_seen is { } seen && position <= seen))
        {
            return false;
        }

        _seen = position;
        return true;
    }

    /// <summary>Whether something may be missing before the message; if so it is noted until <see cref="Mended"/>.</summary>
    public bool FindHole(JsonElement message)
    {
        if (message.GetProperty("epoch").GetString() != Epoch)
        {
            return true;
        }

        if (_seen is { } seen && PositionOf(message.GetProperty("changes")[0]) <= seen)
        {
            return false;
        }

        var previous = message.GetProperty("previous");
        var isHole = previous.ValueKind == JsonValueKind.Null || Position.Parse(previous.GetString()!) > (LastSeen ?? _cursor);
        _torn |= isHole;
        return isHole;
    }

    public void Mended() => _torn = false;

    /// <summary>The subscription's part of a call of <c>channels/resume</c>.</summary>
    public object ResumeFrom(long id, string table)
    {
        var from = _torn ? LastSeen ?? _floor : LastSeen is { } last && last > _cursor ? last : (Position?)null;
        object[] tables = from is { } position ? [new { schema = "public", table, position = position.ToString() }] : [];
        return new { id, epoch = Epoch, position = _cursor.ToString(), tables };
    }

    public static Position PositionOf(JsonElement element) => Position.Parse(element.GetProperty("position").GetString()!);
}
