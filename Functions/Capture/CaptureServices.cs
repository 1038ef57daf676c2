using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Serverless.Capture;

internal static class CaptureServices
{
    /// <summary>Streams the database's changes to the bus while the process runs. Needs a bus and the database's settings.</summary>
    public static void AddCapture(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<CaptureOptions>().BindConfiguration(CaptureOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<CaptureConnections>();
        builder.Services.AddSingleton<CaptureSession>();
        builder.Services.AddHostedService<CaptureService>();
    }
}
