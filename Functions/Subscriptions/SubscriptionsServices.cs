using Serverless.Changes;
using Serverless.Subscriptions.Explanations;
using Serverless.Subscriptions.FanOut;
using Serverless.Subscriptions.Filters;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Policies;
using Serverless.Subscriptions.Registry;

namespace Serverless.Subscriptions;

internal static class SubscriptionsServices
{
    /// <summary>How long PostgreSQL may take over the policies of one batch and table.</summary>
    private static readonly TimeSpan _policyLimit = TimeSpan.FromSeconds(5);

    public static void AddSubscriptions(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<SubscriptionOptions>().BindConfiguration(SubscriptionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<SubscriptionResolver>();
        builder.Services.AddSingleton<RegistryReader>();
        builder.Services.AddSingleton<RegistryRefresher>();
        builder.Services.AddSingleton<RegistrySweep>();
        builder.Services.AddSingleton<SubscriptionIndex>();
        builder.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<SubscriptionExplainer>(services, _policyLimit));
        builder.Services.AddSingleton<GroupSplitter>();
        builder.Services.AddSingleton<SubscriptionExpiry>();
        builder.Services.AddSingleton<SubscriberNotices>();
        builder.Services.AddSingleton(services => new PolicyBinder(_policyLimit, services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton(services => new PolicyJudge(_policyLimit, services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<FilterWatch>();
        builder.Services.AddSingleton<TableBinder>();
        builder.Services.AddSingleton<PostgresQuestions>();
        builder.Services.AddSingleton<ChangeJudge>();
        builder.Services.AddSingleton<RunJudge>();
        builder.Services.AddSingleton<VisibleView>();
        builder.Services.AddSingleton<GroupSender>();
        builder.Services.AddSingleton<IChangeSink, ChangeFanOut>();
    }
}
