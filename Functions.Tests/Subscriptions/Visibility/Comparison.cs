using System.Text.Json;
using Serverless.Changes;

namespace Serverless.Subscriptions.Visibility;

/// <summary>Holds what every client was sent against what it may and must have been sent.</summary>
internal static class Comparison
{
    /// <returns>What is wrong.</returns>
    public static IReadOnlyList<string> Compare(
        RandomTable table, IReadOnlyList<CommittedChange> changes, IReadOnlyList<Watch> watches, Watch everything, IReadOnlyList<Listener> listeners)
    {
        // Who reads everything past all policies tells which position is which change.
        var told = Receive(table, listeners[^1].Take(), out var wrong);
        if (wrong.Count > 0)
        {
            return wrong;
        }

        var all = told.GetValueOrDefault(everything.Id, []);
        var first = changes.Count - all.Count;
        if (first < 0 || first > everything.FirstSure || told.Count > 1)
        {
            return [$"Who reads everything was sent {all.Count} changes under {told.Count} ids, and {changes.Count} were made, {everything.FirstSure} before it listened."];
        }

        var number = all.Select((entry, index) => (entry.Position, Index: first + index)).ToDictionary(pair => pair.Position, pair => pair.Index);
        for (var user = 0; user < listeners.Count - 1; user++)
        {
            var own = watches.Where(watch => watch.Subscriber.User == user).ToLookup(watch => watch.Id);
            var received = Receive(table, listeners[user].Take(), out var broken);
            wrong.AddRange(broken);
            wrong.AddRange(received.Keys.Where(id => !own.Contains(id)).Select(id => $"User {user} was sent id {id}, which it was never given: {received[id][0].Text}"));
            foreach (var id in own)
            {
                wrong.AddRange(CompareId(changes, [.. id], received.GetValueOrDefault(id.Key, []), number));
            }
        }

        return wrong;
    }

    private static IEnumerable<string> CompareId(
        IReadOnlyList<CommittedChange> changes, List<Watch> watches, List<(ChangePosition Position, string Text)> received, Dictionary<ChangePosition, int> number)
    {
        var texts = new Dictionary<int, string>();
        foreach (var (position, text) in received)
        {
            if (!number.TryGetValue(position, out var change))
            {
                yield return $"{watches[0]}\n  was sent position {position}, which is of no change that was made with everybody listening: {text}";
                continue;
            }

            texts[change] = text;
        }

        for (var i = 0; i < changes.Count; i++)
        {
            var acceptable = AcceptableOf(watches, i);
            var actual = texts.GetValueOrDefault(i, Canonical.Nothing);
            if (!acceptable.Contains(actual))
            {
                yield return $"{watches[0]}\n  of change {i}: {changes[i]}\n  was told  {actual}\n  should be {string.Join("\n         or ", acceptable)}";
            }
        }
    }

    // Several subscriptions of one client may have the same number; what one of them must hear is no repeat for the others.
    private static HashSet<string> AcceptableOf(IEnumerable<Watch> watches, int change)
    {
        var sets = watches.Select(watch => watch.Acceptable.GetValueOrDefault(change, [Canonical.Nothing])).ToList();
        var acceptable = sets.SelectMany(set => set).ToHashSet();
        if (sets.Any(set => !set.Contains(Canonical.Nothing)))
        {
            acceptable.Remove(Canonical.Nothing);
        }

        return acceptable;
    }

    private static Dictionary<long, List<(ChangePosition Position, string Text)>> Receive(
        RandomTable table, IReadOnlyList<JsonElement> messages, out List<string> wrong)
    {
        wrong = [];
        var received = new Dictionary<long, List<(ChangePosition Position, string Text)>>();
        foreach (var message in messages.Where(message => message.GetProperty("table").GetString() == table.Name))
        {
            var columns = message.GetProperty("columns").EnumerateArray().Select(column => column.GetProperty("name").GetString()!).ToList();
            foreach (var id in message.GetProperty("ids").EnumerateArray().Select(id => id.GetInt64()))
            {
                if (!received.TryGetValue(id, out var changes))
                {
                    received.Add(id, changes = []);
                }

                foreach (var change in message.GetProperty("changes").EnumerateArray())
                {
                    ChangePosition.TryParse(change.GetProperty("position").GetString(), out var position).Should().BeTrue();
                    if (changes.Count > 0 && position <= changes[^1].Position)
                    {
                        wrong.Add($"Id {id} was sent {position} after {changes[^1].Position}: out of order, or twice.");
                    }

                    if (change.GetProperty("type").GetString() != "TRUNCATE")
                    {
                        changes.Add((position, Canonical.OfReceived(change, columns)));
                        continue;
                    }

                    // It says nothing of any row.
                    if (change.TryGetProperty("record", out _) || change.TryGetProperty("old_record", out _))
                    {
                        wrong.Add($"Id {id} was sent a row with a TRUNCATE.");
                    }
                }
            }
        }

        return received;
    }
}
