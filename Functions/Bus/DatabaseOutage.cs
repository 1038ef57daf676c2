using System.Net.Sockets;
using Npgsql;

namespace Serverless.Bus;

/// <summary>Tells a database that is away for a moment, as in every restart, from a fault.</summary>
internal static class DatabaseOutage
{
    /// <returns>What the server or the network says; null where the failure is another one.</returns>
    public static string? ReasonOf(Exception failure) => failure switch
    {
        // Classes 57, operator intervention, and 08, connection exception.
        PostgresException { SqlState: ['5', '7', ..] or ['0', '8', ..] } said => $"{said.SqlState}: {said.MessageText}",
        PostgresException => null,
        NpgsqlException { InnerException: (SocketException or IOException) and var lost } => lost.Message,
        _ => null,
    };
}
