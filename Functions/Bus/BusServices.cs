namespace Serverless.Bus;

internal static class BusServices
{
    public static void AddBus(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<BusOptions>().BindConfiguration(BusOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton(new ChangeFeed(isOutside: !builder.Configuration.UsesInProcessBus()));
        if (builder.Configuration.UsesInProcessBus())
        {
            builder.Services.AddSingleton<InProcessBus>();
            builder.Services.AddSingleton<IChangeBus>(services => services.GetRequiredService<InProcessBus>());
            builder.Services.AddHostedService(services => services.GetRequiredService<InProcessBus>());
        }
    }

    /// <summary>Whether capture and the change function share this process.</summary>
    public static bool UsesInProcessBus(this IConfiguration configuration) =>
        configuration.GetSection(BusOptions.Section).Get<BusOptions>()?.Bus is null or BusKind.InProcess;
}
