using System.Text.Json;

namespace Serverless.Subscriptions.Visibility;

/// <summary>The definition of promise 2: from PostgreSQL's verdict on the images to what a subscriber is told of a change.</summary>
/// <param name="policyColumns">The columns that the policies which apply to the subscriber read of the row itself.</param>
/// <param name="mayFail">
/// Whether a policy may raise an error for the subscriber. PostgreSQL chooses in which order it tries policies that are joined by OR, so it may raise one for the app where the oracle
/// was let through by another; then the row before an update is not shown, and the row after it counts as gone.
/// </param>
internal sealed class Expectation(RandomTable table, RandomSubscriber subscriber, Verdict verdict, IReadOnlySet<string> policyColumns, bool mayFail)
{
    private const string NoPrimaryKey = "Error 400: Bad Request, no primary key";
    private const string Unauthorized = "Error 401: Unauthorized";

    /// <summary>The columns that the subscriber may read and has asked for.</summary>
    private readonly HashSet<string> _sent = table.Streamed
        .Where(verdict.Readable.Contains)
        .Where(name => subscriber.Select is null || subscriber.Select.Contains(name) || table.Key.Contains(name) || table.PrimaryKey.Contains(name))
        .ToHashSet();

    /// <summary>Every text that would be right.</summary>
    public IReadOnlyCollection<string> For(CommittedChange change)
    {
        if (verdict.Readable.Count == 0)
        {
            return [Canonical.Nothing];
        }

        return change.Kind switch
        {
            "INSERT" => IfSeen(
                Judge(change.NewImage, change.New!, table.NewImage(false)), () => [Tell("INSERT", Row(change.New!, table.NewImage(false)), null)]),
            "DELETE" => IfSeen(Judge(change.OldImage, change.Old!, table.OldImage()), () => [Tell("DELETE", null, Row(change.Old!, table.OldImage()))]),
            _ => Update(change),
        };
    }

    private IReadOnlyCollection<string> Update(CommittedChange change)
    {
        var image = table.NewImage(change.LeftBigAlone);
        var isSeen = Judge(change.NewImage, change.New!, image);
        var arrives = IfSeen(isSeen, () => [.. OldRecords(change).Select(old => Tell("UPDATE", Row(change.New!, image), old))]);
        if (!subscriber.Leave || (isSeen is true && !IsDoubtful))
        {
            return arrives;
        }

        // A row that cannot be told to be still in sight counts as gone, like any doubt.
        var leaves = IfSeen(Judge(change.OldImage, change.Old!, table.OldImage()), () => [Tell("DELETE", null, Row(change.Old!, table.Key), left: true)]);
        return isSeen is false ? leaves : [.. arrives, .. leaves];
    }

    private bool IsDoubtful => mayFail && verdict.Guarded;

    // Null where both would be right: where something failed, and where the row is to be seen although a policy reads what the log lacks of
    // it. Then another policy, or the rest of this one, may decide alone.
    private bool? Judge(long seen, IReadOnlyDictionary<string, JsonElement> row, IReadOnlySet<string> image)
    {
        if (!subscriber.Filter.Columns.IsSubsetOf(image) || !verdict.Matching.MaySee(seen))
        {
            return false;
        }

        return verdict.Matching.Sees(seen) && !HasUnclearNull(row) && policyColumns.IsSubsetOf(image) && !IsInexact(row) ? true : null;
    }

    // Of a jsonb column the log does not tell SQL's null from JSON's, and a filter selects a row only where it does so for both.
    private bool HasUnclearNull(IReadOnlyDictionary<string, JsonElement> row) =>
        subscriber.Filter.Columns.Any(name => table.Find(name) is { Type: "jsonb" or "json" } && row[name].ValueKind == JsonValueKind.Null);

    // A float's zero may be negative, which its JSON does not say, and is not judged by policies that read it.
    private bool IsInexact(IReadOnlyDictionary<string, JsonElement> row) =>
        policyColumns.Any(name => table.Find(name) is { Type: "float8" } && row[name].ValueKind == JsonValueKind.Number && row[name].GetDouble() == 0);

    private static IReadOnlyCollection<string> IfSeen(bool? isSeen, Func<IReadOnlyCollection<string>> told) => isSeen switch
    {
        true => told(),
        false => [Canonical.Nothing],
        _ => [.. told(), Canonical.Nothing],
    };

    // Beside the new row: the old one where it is whole and may be seen, else its key where that is the new row's too.
    private IEnumerable<IReadOnlyDictionary<string, JsonElement>?> OldRecords(CommittedChange change)
    {
        if (table.IsFull && verdict.Allowed.MaySee(change.OldImage))
        {
            yield return Row(change.Old!, table.OldImage());
        }

        if (!table.IsFull || IsDoubtful || !verdict.Allowed.Sees(change.OldImage) || !policyColumns.IsSubsetOf(table.OldImage()) || IsInexact(change.Old!))
        {
            yield return !verdict.Guarded || change.KeepsKey(table.Key) ? Row(change.Old!, table.Key) : null;
        }
    }

    private string Tell(
        string kind, IReadOnlyDictionary<string, JsonElement>? record, IReadOnlyDictionary<string, JsonElement>? old, bool left = false)
    {
        var error = !table.PrimaryKey.IsSubsetOf(verdict.Readable) ? Unauthorized : !table.HasPrimaryKey && record is not null ? NoPrimaryKey : null;
        return left || subscriber.Wants(kind)
            ? error is null ? Canonical.Of(kind, record, old, null, left, _sent) : Canonical.Of(kind, null, null, error, left, _sent)
            : Canonical.Nothing;
    }

    private Dictionary<string, JsonElement> Row(IReadOnlyDictionary<string, JsonElement> row, IReadOnlySet<string> image) =>
        row.Where(pair => image.Contains(pair.Key) && _sent.Contains(pair.Key)).ToDictionary(StringComparer.Ordinal);
}
