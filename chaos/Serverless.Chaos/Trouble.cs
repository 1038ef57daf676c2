using Npgsql;

namespace Serverless.Chaos;

/// <summary>What goes wrong, one thing after another, chosen by the seed.</summary>
internal sealed class Trouble(Settings settings, Service service, PostgresServer postgres, IReadOnlyList<Subscriber> subscribers, NpgsqlDataSource database, Random random)
{
    // Each as often as it is named here.
    private readonly string[] _kinds = [.. new[]
    {
        "capturing", "capturing", "capturing", "capturing", "app", "app", "app", "signalr", "signalr", "restart", "crash", "cut", "cut", "cut", "policy", "column",
    }.Where(kind => !settings.Without.Contains(kind))];

    private int _columns;

    /// <summary>How often each kind has come.</summary>
    public SortedDictionary<string, int> Counts { get; } = new(StringComparer.Ordinal);

    public async Task RunAsync(TimeSpan duration)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < duration)
        {
            await Wait.ForAsync(0.5 + (2.5 * random.NextDouble()));
            var kind = _kinds[random.Next(_kinds.Length)];
            Console.WriteLine($"{TimeProvider.System.GetElapsedTime(began).TotalSeconds,6:F1} s  {kind}");
            try
            {
                await CauseAsync(kind);
                Counts[kind] = Counts.GetValueOrDefault(kind) + 1;
            }
            catch (NpgsqlException)
            {
                // The server was not there to be altered.
            }
        }
    }

    private Task CauseAsync(string kind) => kind switch
    {
        "capturing" => KillAppAsync(isCapturing: true),
        "app" => KillAppAsync(isCapturing: false),
        "signalr" => KillSignalRAsync(),
        "restart" => postgres.RestartAsync(),
        "crash" => postgres.CrashAsync(),
        "cut" => CutAsync(),
        "policy" => EditPolicyAsync(),
        _ => Schema.RunAsync(database, $"alter table {AnyTable()} add column extra{_columns++} int"),
    };

    private async Task KillAppAsync(bool isCapturing)
    {
        var any = random.Next(Settings.Apps);
        var rest = random.NextDouble();
        var capturing = await service.CapturingAppAsync();
        var app = isCapturing ? capturing ?? any : any == capturing ? (any + 1) % Settings.Apps : any;
        await service.KillAppAsync(app);
        await Wait.ForAsync(rest);
        service.StartApp(app);
    }

    private async Task KillSignalRAsync()
    {
        await service.KillSignalRAsync();
        await Wait.ForAsync(2 * random.NextDouble());
        service.StartSignalR();
    }

    private Task CutAsync() => Task.WhenAll(subscribers.Where(_ => random.Next(4) == 0).ToList().Select(subscriber => subscriber.CutAsync()));

    private Task EditPolicyAsync()
    {
        var table = AnyTable();
        return Schema.RunAsync(database, $"alter policy team on {table} using ({Schema.Team(table, random.Next(2))})");
    }

    private string AnyTable() => Schema.Tables[random.Next(Schema.Tables.Length)];
}
