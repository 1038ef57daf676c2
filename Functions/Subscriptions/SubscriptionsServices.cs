using Serverless.Changes;
using Serverless.Subscriptions.FanOut;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions;

internal static class SubscriptionsServices
{
    public static void AddSubscriptions(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<SubscriptionOptions>().BindConfiguration(SubscriptionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<SubscriptionResolver>();
        builder.Services.AddSingleton<SubscriptionRegistry>();
        builder.Services.AddSingleton<RegistryReader>();
        builder.Services.AddSingleton<RegistryRefresher>();
        builder.Services.AddSingleton<RegistrySweep>();
        builder.Services.AddSingleton<SubscriptionIndex>();
        builder.Services.AddSingleton<ChangeMatcher>();
        builder.Services.AddSingleton<IChangeSink, ChangeFanOut>();
    }
}
