using Serverless.Delivery;

namespace Serverless.Channels;

internal static class ChannelsServices
{
    public static void AddChannels(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ChannelOptions>()
            .BindConfiguration(ChannelOptions.Section)
            .ValidateDataAnnotations()
            .Validate(options => PublicOrigin.IsAddress(options.PublicUrl), "Realtime:PublicUrl must be an absolute http or https address, as in 'https://app.example.com'.")
            .ValidateOnStart();
        builder.Services.AddSingleton<SessionPlaces>();
        builder.Services.AddSingleton<SessionGroups>();
        builder.Services.AddSingleton<JoinReader>();
        builder.Services.AddSingleton<ChannelRegistrar>();
        builder.Services.AddSingleton<ChannelHistory>();
        builder.Services.AddSingleton<ChannelJoiner>();
        builder.Services.AddSingleton<SessionEvents>();
        builder.Services.AddSingleton<IConnectionEvents>(services => services.GetRequiredService<SessionEvents>());
        builder.Services.AddSingleton<TopicReview>();
        builder.Services.AddHostedService<SweepService>();
        builder.Services.AddHostedService<ReviewService>();
    }
}
