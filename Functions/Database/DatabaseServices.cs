using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.Database;

internal static class DatabaseServices
{
    public static void AddDatabase(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<DatabaseOptions>().BindConfiguration(DatabaseOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton(CreateDataSource);
        builder.Services.AddSingleton<Migrator>();
        builder.Services.AddSingleton<DatabaseReadiness>();
        builder.Services.AddHostedService<MigrationService>();
    }

    private static NpgsqlDataSource CreateDataSource(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<DatabaseOptions>>().Value;
        var settings = new NpgsqlConnectionStringBuilder(options.Postgres)
        {
            ApplicationName = "serverless-realtime",
            MaxPoolSize = options.MaxConnections,

            // Literals of filters are read by PostgreSQL in the same notation as the values that capture streams.
            Timezone = "UTC",
            Options = "-c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex",

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
