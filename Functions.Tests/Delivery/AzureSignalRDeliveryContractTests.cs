using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serverless.EmbeddedSignalR;

namespace Serverless.Delivery;

/// <summary>The REST side, against the look-alike's data plane on a real port.</summary>
public sealed class AzureSignalRDeliveryContractTests : RealtimeDeliveryContract
{
    private SignalRProcess _service = null!;
    private WebApplication _app = null!;

    internal override IRealtimeDelivery Delivery => _app.Services.GetRequiredService<IRealtimeDelivery>();

    protected override Uri Origin { get; } = new("https://the-app.example");

    public override async Task InitializeAsync()
    {
        _service = await SignalRProcess.StartAsync();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new(DeliveryServices.ConnectionStringSetting, _service.ConnectionString)]);
        builder.AddDelivery();
        builder.AddEmbeddedSignalR();
        _app = builder.Build();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _app.DisposeAsync();
        await _service.DisposeAsync();
        _service.Log.Warnings.Should().BeEmpty();
    }
}
