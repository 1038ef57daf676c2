using Microsoft.Extensions.Options;
using Serverless.Delivery;
using Serverless.EmbeddedSignalR.DataPlane;

namespace Serverless.EmbeddedSignalR;

/// <summary>
/// The look-alike as a process of its own: several app instances share it over REST, exactly as they share Azure SignalR. It needs
/// <c>EmbeddedSignalR:AccessKey</c>; apps connect with <c>Endpoint=http://127.0.0.1;Port=8888;AccessKey=...;Version=1.0;</c>.
/// </summary>
internal static class EmbeddedSignalRProcess
{
    private const int MinKeyLength = 32;

    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        // Several lines for each REST call would be most of the log.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.AddOptions<DeliveryOptions>()
            .BindConfiguration(DeliveryOptions.Section)
            .Validate(options => HubName.IsValid(options.Hub), "Realtime:Hub is no name for a hub: a letter, then up to 127 letters, digits and _`,.[].")
            .ValidateOnStart();
        builder.Services.AddSignalRLookAlike(AccessKey(builder.Configuration));
        builder.Services.AddSingleton<DataPlaneGate>();

        var app = builder.Build();
        app.MapClientEndpoint();
        app.MapSignalRDataPlane();
        return app;
    }

    private static string AccessKey(ConfigurationManager configuration)
    {
        var key = configuration[$"{EmbeddedSignalROptions.Section}:{nameof(EmbeddedSignalROptions.AccessKey)}"];
        return key?.Length >= MinKeyLength
            ? key
            : throw new OptionsValidationException(
                nameof(EmbeddedSignalROptions),
                typeof(EmbeddedSignalROptions),
                [$"EmbeddedSignalR:AccessKey must have at least {MinKeyLength} characters. Give the same key to the apps, in {DeliveryServices.ConnectionStringSetting}."]);
    }
}
