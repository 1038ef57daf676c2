using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Serverless.Delivery.AzureSignalR;

namespace Serverless.Delivery;

/// <summary>Registers the way to clients: Azure SignalR where a connection string is given; otherwise the embedded service takes its place.</summary>
internal static class DeliveryServices
{
    /// <summary>The setting that the Functions SignalR bindings read too.</summary>
    public const string ConnectionStringSetting = "AzureSignalRConnectionString";

    public static bool UsesAzureSignalR(this IConfiguration configuration) =>
        !string.IsNullOrWhiteSpace(configuration[ConnectionStringSetting]);

    public static void AddDelivery(this WebApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddOptions<DeliveryOptions>()
            .BindConfiguration(DeliveryOptions.Section)
            .Validate(
                options => HubName.IsValid(options.Hub) && !options.Hub.Any(char.IsAsciiLetterUpper),
                "Realtime:Hub must be 1 to 128 characters: a lower-case letter, then lower-case letters, digits and _`,.[].")
            .ValidateOnStart();

        if (builder.Configuration.GetSection(ConnectionStringSetting).GetChildren().Any())
        {
            throw Wrong($"{ConnectionStringSetting}__serviceUri and its like (an identity in place of a key) are not supported yet. Set {ConnectionStringSetting} to a connection string with an AccessKey.");
        }

        if (builder.Configuration.UsesAzureSignalR())
        {
            var connection = ReadConnection(builder.Configuration[ConnectionStringSetting]!);
            builder.AddAzureSignalR(connection);
            builder.Services.AddSingleton(new UpstreamSignature(connection.AccessKey));
        }
        else
        {
            builder.Services.AddSingleton(new UpstreamSignature(accessKey: null));
        }
    }

    private static SignalRConnection ReadConnection(string text)
    {
        try
        {
            return SignalRConnection.Parse(text);
        }
        catch (FormatException ex)
        {
            throw Wrong(ex.Message);
        }
    }

    private static OptionsValidationException Wrong(string sentence) => new(ConnectionStringSetting, typeof(SignalRConnection), [sentence]);

    private static void AddAzureSignalR(this WebApplicationBuilder builder, SignalRConnection connection)
    {
        builder.Services.AddOptions<AzureSignalROptions>()
            .BindConfiguration(AzureSignalROptions.Section)
            .ValidateDataAnnotations()
            .Validate(
                options => options.CallTimeout > TimeSpan.Zero && options.RetryAfter > TimeSpan.Zero && options.MaxRetryWait > TimeSpan.Zero,
                "AzureSignalR:CallTimeout, RetryAfter and MaxRetryWait must be longer than zero.")
            .ValidateOnStart();
        builder.Services.AddSingleton(connection);
        builder.Services.AddSingleton(new RetryWaits(new Random()));
        builder.Services.AddSingleton<DataPlaneClient>();
        builder.Services.AddSingleton<IRealtimeDelivery, AzureSignalRDelivery>();
    }
}
