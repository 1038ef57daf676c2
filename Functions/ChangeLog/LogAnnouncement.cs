using System.Globalization;
using Npgsql;
using Serverless.Database;

namespace Serverless.ChangeLog;

/// <summary>What PostgreSQL's NOTIFY tells every instance when changes were logged.</summary>
/// <remarks>Any user of the database may listen and notify, so it carries no more than the hash of a table's name, and is only ever a reason to look.</remarks>
internal static class LogAnnouncement
{
    public const string Channel = "serverless_realtime_log";

    /// <summary>Two tables that share one only wake each other's readers.</summary>
    public static string Of(string schema, string table) => AdvisoryLocks.Hash($"{schema}.{table}").ToString(CultureInfo.InvariantCulture);

    /// <summary>For the batch that logs: it is told when that is committed.</summary>
    public static NpgsqlBatchCommand For(IEnumerable<(string Schema, string Table)> tables) => new($"select pg_notify('{Channel}', table_hash) from unnest($1) table_hash")
    {
        Parameters = { new() { Value = tables.Select(table => Of(table.Schema, table.Table)).Distinct().ToArray() } },
    };
}
