using Serverless.Bus;

namespace Serverless.Resume;

internal static class ResumeServices
{
    public static void AddResume(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<LogJudge>();
        builder.Services.AddSingleton<SubscriptionReplay>();
        builder.Services.AddSingleton<ChannelResumer>();

        // Elsewhere what capture has handed on need not have been sent yet.
        if (builder.Configuration.UsesInProcessBus())
        {
            builder.Services.AddHostedService<ProgressService>();
        }
    }
}
