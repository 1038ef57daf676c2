using Serverless.Subscriptions;

namespace Serverless.Presence.Tables;

/// <summary>A table whose rows tell who is present, with the statements that keep it.</summary>
/// <remarks>
/// Only rows that are there are updated: what a new one needs beside these columns is not known here. Each condition is asked of the row as it is when it is locked, so a heartbeat at the same moment wins.
/// </remarks>
internal sealed class PresenceTable
{
    /// <summary>After how many seconds of silence a user who was typing no longer is.</summary>
    private const int TypingSeconds = 3;

    /// <summary>Rows that one statement changes; the others wait for the next.</summary>
    private const int MostRows = 1000;

    /// <param name="userIdType">SQL's names of the columns' types.</param>
    public PresenceTable(TableName name, string userIdType, string statusType, bool hasTyping, bool hasTypingSession)
    {
        Name = name;
        var table = SqlName.Of(name.Schema, name.Name);
        var typing = $"t.last_seen < now() - interval '{TypingSeconds} seconds'";
        Heartbeat =
            $"""
            update {table} t set last_seen = now(),
              status = case when $2 is not null then $2::{statusType} when coalesce(t.status::text, 'offline') = 'offline' then 'online'::{statusType} else t.status end
            """
            + (hasTyping ? $", is_typing = t.is_typing and not coalesce({typing}, true)" : "")
            + (hasTyping && hasTypingSession ? $", typing_in_session = case when t.is_typing and not coalesce({typing}, true) then t.typing_in_session end" : "")
            + $" where t.user_id = $1::{userIdType}";

        var stopTyping = (hasTyping ? ", is_typing = false" : "") + (hasTyping && hasTypingSession ? ", typing_in_session = null" : "");
        MarkSilent = Bounded(table, $"status = 'offline'::{statusType}{stopTyping}", "t.status::text <> 'offline' and t.last_seen < now() - $1");
        EndTyping = hasTyping ? Bounded(table, stopTyping[2..], $"t.is_typing and {typing}") : null;
    }

    public TableName Name { get; }

    /// <summary>A user was heard of: his id, and his status or null.</summary>
    public string Heartbeat { get; }

    /// <summary>Takes those who have been silent for so long for offline.</summary>
    public string MarkSilent { get; }

    /// <summary>Ends typing that was not renewed; null where the table does not tell of it.</summary>
    public string? EndTyping { get; }

    // The condition stands in both, for a ctid names a row only in one partition of a table.
    private static string Bounded(string table, string set, string condition) =>
        $"update {table} t set {set} where t.ctid = any (array(select t.ctid from {table} t where {condition} limit {MostRows} for update skip locked)) and {condition}";
}
