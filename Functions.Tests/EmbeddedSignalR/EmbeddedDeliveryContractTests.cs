using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serverless.Delivery;
using Serverless.Support;

namespace Serverless.EmbeddedSignalR;

/// <summary>The service inside the process.</summary>
public sealed class EmbeddedDeliveryContractTests : RealtimeDeliveryContract
{
    private readonly LogRecorder _log = new();
    private WebApplication _app = null!;

    internal override IRealtimeDelivery Delivery => _app.Services.GetRequiredService<IRealtimeDelivery>();

    protected override Uri Origin => new(_app.Urls.Single());

    public override async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(_log);
        builder.AddDelivery();
        builder.AddEmbeddedSignalR();
        _app = builder.Build();
        _app.MapEmbeddedSignalR();
        await _app.StartAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _log.Warnings.Should().BeEmpty();
        _log.Entries.Should().NotBeEmpty().And.NotContain(entry => entry.Text.Contains("access_token", StringComparison.Ordinal));
    }
}
