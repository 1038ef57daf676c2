using Serverless.Delivery;

namespace Serverless.Channels;

internal static class ChannelsServices
{
    public static void AddChannels(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ChannelOptions>().BindConfiguration(ChannelOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<SessionPlaces>();
        builder.Services.AddSingleton<SessionGroups>();
        builder.Services.AddSingleton<ChannelJoiner>();
        builder.Services.AddSingleton<SessionEvents>();
        builder.Services.AddSingleton<IConnectionEvents>(services => services.GetRequiredService<SessionEvents>());
        builder.Services.AddHostedService<SweepService>();
    }
}
