namespace Serverless.Streams;

internal static class StreamsServices
{
    public static void AddStreams(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<StreamOptions>().BindConfiguration(StreamOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<StreamRequestReader>();
        builder.Services.AddSingleton<StreamSlots>();
        builder.Services.AddSingleton<StreamOpener>();
        builder.Services.AddSingleton<TailReader>();
        builder.Services.AddSingleton<StreamServer>();
    }
}
