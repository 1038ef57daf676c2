using System.Globalization;
using Npgsql;

namespace Serverless.Subscriptions.Filters;

/// <summary>Bounds the statements that follow in the same batch, up to its end.</summary>
/// <remarks>A batch outside a transaction is one of its own, and the setting ends with it; <c>SET LOCAL</c> would warn there, the function does not.</remarks>
internal static class StatementLimit
{
    public static NpgsqlBatchCommand Command(TimeSpan limit) => new("select set_config('statement_timeout', $1, true)")
    {
        Parameters = { new() { Value = ((long)limit.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) } },
    };
}
