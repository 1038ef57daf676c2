using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.Database;

internal static class DatabaseServices
{
    /// <summary>Connections of their own for reading the registry: every batch needs one while it holds its partition's.</summary>
    public const string ForRegistry = "registry";

    /// <summary>Connections that hold partitions and groups. Whoever has one may wait for others, so those must not come out of the same pool.</summary>
    public const string ForLeases = "leases";

    /// <summary>Connections for presence, which hold a topic while its members are told, and so come out of a pool of their own too.</summary>
    public const string ForPresence = "presence";

    /// <summary>The connection that hears PostgreSQL's notifications. Not from a pool, where it would go on listening for whoever comes next.</summary>
    public const string ForListening = "listening";

    /// <summary>How many connections for presence there may be.</summary>
    public const int MaxPresence = 20;

    // A server that lost its client in a broken network would hold the client's locks until TCP gives up, by default for hours.
    private const string GiveUpSoon = " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2";

    /// <summary>Event Hubs has at most 32 partitions, and each may split a group besides.</summary>
    private const int MaxLeases = 64;

    // What was found is not repeated: a part that cannot be read may be a part of the password.
    private const string NotAnAddress =
        "Realtime:Postgres names no database that Npgsql can read: a keyword is unknown, a value does not fit, or there is no host. Give it 'Host=127.0.0.1;Port=5432;Database=app;Username=realtime;Password=...', "
        + "a value with ';' or '=' in double quotes; or 'postgres://realtime:...@127.0.0.1:5432/app', special characters percent-encoded.";

    public static void AddDatabase(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<DatabaseOptions>()
            .BindConfiguration(DatabaseOptions.Section)
            .PostConfigure(options => options.Postgres = ConnectionText.ToNpgsql(options.Postgres) ?? options.Postgres)
            .ValidateDataAnnotations()
            .Validate(options => options.Postgres.Length == 0 || ConnectionText.ToNpgsql(options.Postgres) is not null, NotAnAddress)
            .ValidateOnStart();
        builder.Services.AddSingleton(services => CreateDataSource(services, maxConnections: null));
        builder.Services.AddKeyedSingleton(ForRegistry, (services, _) => CreateDataSource(services, maxConnections: 2));
        builder.Services.AddKeyedSingleton(ForLeases, (services, _) => CreateDataSource(services, MaxLeases));
        builder.Services.AddKeyedSingleton(ForPresence, (services, _) => CreateDataSource(services, MaxPresence, GiveUpSoon));
        builder.Services.AddKeyedSingleton(ForListening, (services, _) => CreateDataSource(services, maxConnections: null, isListening: true));
        builder.Services.AddSingleton<Migrator>();
        builder.Services.AddSingleton<DatabaseReadiness>();
        builder.Services.AddHostedService<MigrationService>();
    }

    private static NpgsqlDataSource CreateDataSource(IServiceProvider services, int? maxConnections, string moreOptions = "", bool isListening = false)
    {
        var options = services.GetRequiredService<IOptions<DatabaseOptions>>().Value;
        var settings = new NpgsqlConnectionStringBuilder(options.Postgres)
        {
            ApplicationName = "serverless-realtime",
            MaxPoolSize = maxConnections ?? options.MaxConnections,
            Pooling = !isListening,

            // A connection that only waits would not notice that the server is gone.
            KeepAlive = isListening ? 15 : 0,

            // Literals of filters are read by PostgreSQL in the same notation as the values that capture streams.
            Timezone = "UTC",
            Options = "-c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex" + moreOptions,

            // Nothing here leaves session state behind but advisory locks, which their holders release.
            NoResetOnClose = true,

            // Statements run often enough are prepared by the driver, which halves the time of a fan-out's queries.
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 3,
            IncludeErrorDetail = false,
        };
        return new NpgsqlDataSourceBuilder(settings.ConnectionString)
            .UseLoggerFactory(services.GetRequiredService<ILoggerFactory>())
            .EnableParameterLogging(false)
            .Build();
    }
}
