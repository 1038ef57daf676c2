using Microsoft.Extensions.DependencyInjection.Extensions;
using Serverless.Bus;

namespace Serverless.Capture;

internal static class CaptureServices
{
    /// <summary>Streams the database's changes to the bus while the process runs. Does nothing where changes come from outside, over Event Hubs.</summary>
    public static void AddCapture(this WebApplicationBuilder builder)
    {
        if (!builder.Configuration.UsesInProcessBus())
        {
            return;
        }

        builder.Services.AddOptions<CaptureOptions>().BindConfiguration(CaptureOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<CaptureConnections>();
        builder.Services.AddSingleton<CaptureSession>();
        builder.Services.AddHostedService<CaptureService>();
    }
}
