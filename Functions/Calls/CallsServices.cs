namespace Serverless.Calls;

internal static class CallsServices
{
    public static void AddCalls(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<LimitOptions>().BindConfiguration(LimitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ClientCall>();
        builder.Services.AddSingleton<RateLimits>();
    }
}
