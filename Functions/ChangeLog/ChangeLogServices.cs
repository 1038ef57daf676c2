namespace Serverless.ChangeLog;

internal static class ChangeLogServices
{
    public static void AddChangeLog(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ChangeLogOptions>().BindConfiguration(ChangeLogOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<PartitionLeases>();
        builder.Services.AddSingleton<ChangeLogTrim>();
        builder.Services.AddSingleton<LogReader>();
        builder.Services.AddSingleton<LogWatch>();
    }
}
