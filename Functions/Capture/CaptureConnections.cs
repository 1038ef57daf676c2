using Microsoft.Extensions.Options;
using Npgsql;
using Npgsql.Replication;
using Serverless.Database;

namespace Serverless.Capture;

/// <summary>
/// Opens the connections of a session, each for itself: none may be shared through a pool, and a pooler in front of Postgres will not do.
/// </summary>
internal sealed class CaptureConnections(IOptions<DatabaseOptions> options)
{
    // What values look like as text depends on these. bytea, floats and times must come as the value writers expect them, whatever the
    // defaults of the role or the database are.
    private const string TextOutput =
        "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex";

    // A holder that vanishes without a word keeps the lease until the server's TCP notices; by default that is hours.
    private const string EarlyKeepalives = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3";

    /// <summary>A connection for queries, opened.</summary>
    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(Settings().ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>A replication connection, opened.</summary>
    public async Task<LogicalReplicationConnection> OpenReplicationAsync(CancellationToken cancellationToken)
    {
        var settings = Settings();

        // Small messages come by the thousand: fewer, larger reads.
        settings.ReadBufferSize = 128 << 10;
        var connection = new LogicalReplicationConnection(settings.ConnectionString);
        try
        {
            await connection.Open(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private NpgsqlConnectionStringBuilder Settings()
    {
        var settings = new NpgsqlConnectionStringBuilder(options.Value.Postgres)
        {
            Pooling = false,
            Multiplexing = false,
            ApplicationName = "serverless capture",
        };
        settings.Options = $"{settings.Options} {TextOutput} {EarlyKeepalives}".TrimStart();
        return settings;
    }
}
