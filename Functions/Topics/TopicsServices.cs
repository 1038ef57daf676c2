namespace Serverless.Topics;

internal static class TopicsServices
{
    public static void AddTopics(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<TopicOptions>().BindConfiguration(TopicOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<TopicAuthorization>();
        builder.Services.AddSingleton<JoinedTopics>();
    }
}
