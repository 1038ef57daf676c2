using Serverless.Calls;
using Serverless.ChangeLog;
using Serverless.Changes;

namespace Serverless.Resume;

/// <summary>How far a client says that it has come with one subscription.</summary>
/// <param name="Cursor">For every table that is not named.</param>
/// <param name="Tables">Where it has come further, or where it has a hole behind it and wants to go back.</param>
internal sealed record ResumePoint(long Id, LogCursor Cursor, IReadOnlyDictionary<(string Schema, string Table), ChangePosition> Tables)
{
    public const int MaxTables = 1000;

    /// <summary>From where a table is to be read: null where the log lacks what follows.</summary>
    /// <remarks>To go back behind the cursor is a precaution: what was sent up to there may have been lost on the way. Where the log does not reach back so far, the cursor counts.</remarks>
    public ChangePosition? StartOf((string Schema, string Table) table, LogExtent extent) =>
        Tables.TryGetValue(table, out var seen) && extent.Follows(table, seen) ? seen
        : extent.Follows(table, Cursor.Position) ? Cursor.Position
        : null;

    /// <returns>The point, or what is wrong with it.</returns>
    public static (ResumePoint? Point, ErrorAnswer? Refusal) Read(ResumeSubscriptionBody? body)
    {
        if (body is not { Epoch: { Length: > 0 and <= 200 } epoch } || !ChangePosition.TryParse(body.Position, out var position))
        {
            return (null, Invalid("each of 'subscriptions' needs an 'id', an 'epoch' and a 'position', as the cursor of the join has them."));
        }

        var tables = new Dictionary<(string, string), ChangePosition>();
        foreach (var table in body.Tables ?? [])
        {
            if (table is not { Schema: { } schema, Table: { } name } || !ChangePosition.TryParse(table.Position, out var seen))
            {
                return (null, Invalid("each of 'tables' needs a 'schema', a 'table' and a 'position', as a change has it."));
            }

            tables[(schema, name)] = seen;
        }

        return tables.Count <= MaxTables
            ? (new ResumePoint(body.Id, new LogCursor(epoch, position), tables), null)
            : (null, Invalid($"'tables' has {tables.Count} elements; at most {MaxTables} are accepted."));
    }

    private static ErrorAnswer Invalid(string what) => ErrorAnswer.BadRequest("InvalidResume", $"This is no place to resume from: {what} See docs/protocol.md.");
}
