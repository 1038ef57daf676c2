using Serverless.Presence.Tables;

namespace Serverless.Presence;

internal static class PresenceServices
{
    public static void AddPresence(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<PresenceOptions>()
            .BindConfiguration(PresenceOptions.Section)
            .ValidateDataAnnotations()
            .Validate(
                options => options.IsTimeoutLongEnough,
                "Presence:Timeout must be at least two and a half times Presence:HeartbeatInterval, or a heartbeat that is a little late takes its session for gone.")
            .Validate(options => TableName.TryParse(options.Tables, out _), $"Presence:Tables must name at most {TableName.MaxTables} tables as 'schema.table', separated by commas.")
            .ValidateOnStart();
        builder.Services.AddSingleton<PresenceTurns>();
        builder.Services.AddSingleton<PresenceSender>();
        builder.Services.AddSingleton<PresenceQueue>();
        builder.Services.AddSingleton<PresenceStore>();
        builder.Services.AddSingleton<PresenceChanges>();
        builder.Services.AddSingleton<SessionOwners>();
        builder.Services.AddSingleton<PresenceCall>();
        builder.Services.AddSingleton<SweepTurn>();
        builder.Services.AddSingleton<PresenceSweep>();
        builder.Services.AddHostedService<PresenceSweepService>();
        builder.Services.AddSingleton<PresenceTables>();
        builder.Services.AddSingleton<PresenceTableSweep>();
        builder.Services.AddHostedService<PresenceTableService>();
    }
}
