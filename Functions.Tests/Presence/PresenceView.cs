using System.Text.Json;

namespace Serverless.Presence;

/// <summary>What a receiver makes of what it is told, by the rules of docs/protocol.md.</summary>
internal sealed class PresenceView
{
    private Dictionary<string, List<(string Ref, string Meta)>> _state = [];

    private PresenceView()
    {
    }

    public long Version { get; private set; }

    /// <summary>How many diffs did not build on what was there.</summary>
    public int Holes { get; private set; }

    public static PresenceView Of(PresenceSnapshot snapshot)
    {
        using var state = JsonDocument.Parse(snapshot.State);
        var view = new PresenceView();
        view.Replace(snapshot.Version, state.RootElement);
        return view;
    }

    /// <summary>Takes in a diff. One that does not build on what is there counts as a hole, and nothing else comes of it.</summary>
    public void Apply(JsonElement diff)
    {
        if (diff.GetProperty("version").GetInt64() <= Version)
        {
            return;
        }

        if (diff.GetProperty("previous").GetInt64() > Version)
        {
            Holes++;
            return;
        }

        Version = diff.GetProperty("version").GetInt64();
        foreach (var (key, reference, meta) in MembersOf(diff.GetProperty("joins")))
        {
            var metas = _state.TryGetValue(key, out var known) ? known : _state[key] = [];
            var place = metas.FindIndex(member => member.Ref == reference);
            if (place >= 0)
            {
                metas[place] = (reference, meta);
            }
            else
            {
                metas.Add((reference, meta));
            }
        }

        foreach (var (key, reference, _) in MembersOf(diff.GetProperty("leaves")))
        {
            _state[key].RemoveAll(member => member.Ref == reference).Should().Be(1, "whoever leaves was there");
            if (_state[key].Count == 0)
            {
                _state.Remove(key);
            }
        }
    }

    public void Replace(long version, JsonElement state)
    {
        Version = version;
        _state = MembersOf(state).GroupBy(member => member.Key).ToDictionary(key => key.Key, key => key.Select(member => (member.Ref, member.Meta)).ToList());
    }

    /// <summary>Everybody, in an order of no meaning, to be compared.</summary>
    public IReadOnlyList<string> Members =>
        [.. _state.SelectMany(key => key.Value.Select(member => $"{key.Key} {member.Ref} {member.Meta}")).Order(StringComparer.Ordinal)];

    private static IEnumerable<(string Key, string Ref, string Meta)> MembersOf(JsonElement keys) =>
        from key in keys.EnumerateObject()
        from meta in key.Value.GetProperty("metas").EnumerateArray()
        select (key.Name, meta.GetProperty("phx_ref").GetString()!, meta.GetRawText());
}
