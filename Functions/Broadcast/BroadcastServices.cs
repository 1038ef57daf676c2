using Serverless.Changes;

namespace Serverless.Broadcast;

internal static class BroadcastServices
{
    public static void AddBroadcast(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<BroadcastOptions>().BindConfiguration(BroadcastOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<TopicSender>();
        builder.Services.AddSingleton<KeptMessages>();
        builder.Services.AddSingleton<ClientBroadcast>();
        builder.Services.AddSingleton<ApiBroadcast>();
        builder.Services.AddSingleton<ITableSink, MessageTable>();
    }
}
