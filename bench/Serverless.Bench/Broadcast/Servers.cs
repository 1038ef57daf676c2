using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Serverless.Bench.Broadcast;

/// <summary>The two servers under measurement. Each writes its address as its first line and runs until it is killed.</summary>
internal static class Servers
{
    public const string HubPath = "/hub";
    public const string HubMethod = "Say";

    public static Task ServeAppAsync(string connectionString, string slot, string secret) => RunAsync(RealtimeApp.Build(
    [
        "--urls=http://127.0.0.1:0",
        "--Logging:LogLevel:Default=Warning",
        $"--Realtime:Postgres={connectionString}",
        $"--Realtime:JwtSecret={secret}",
        $"--Capture:Slot={slot}",
    ]));

    public static Task ServeHubAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSignalR();
        var app = builder.Build();
        app.MapHub<BareHub>(HubPath);
        return RunAsync(app);
    }

    private static async Task RunAsync(WebApplication app)
    {
        await app.StartAsync();
        Console.WriteLine(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        await app.WaitForShutdownAsync();
    }

    private sealed class BareHub : Hub
    {
        public Task Say(System.Text.Json.JsonElement message) => Clients.All.SendAsync("broadcast", message);
    }
}
