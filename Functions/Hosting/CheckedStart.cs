using Microsoft.Extensions.Options;

namespace Serverless.Hosting;

/// <summary>Runs a process until it is told to stop, unless its settings are wrong: those are said in plain sentences, without a stack trace.</summary>
internal static class CheckedStart
{
    /// <returns>The process's exit code.</returns>
    public static async Task<int> RunAsync(Func<WebApplication> build)
    {
        try
        {
            await using var app = build();

            // Before the host does it, which logs the whole exception.
            RequireAddresses(app.Configuration[WebHostDefaults.ServerUrlsKey]);
            app.Services.GetService<IStartupValidator>()?.Validate();
            await app.RunAsync();
            return 0;
        }
        catch (Exception ex) when (SettingFailure.Describe(ex) is { Count: > 0 } sentences)
        {
            foreach (var sentence in sentences)
            {
                await Console.Error.WriteLineAsync($"Cannot start: {sentence}");
            }

            return 1;
        }
    }

    private static void RequireAddresses(string? urls)
    {
        foreach (var url in urls?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            try
            {
                BindingAddress.Parse(url);
            }
            catch (FormatException)
            {
                throw new OptionsValidationException(
                    WebHostDefaults.ServerUrlsKey, typeof(BindingAddress), [$"ASPNETCORE_URLS holds '{url}', which is no address to listen at. Write 'http://127.0.0.1:5000', several separated by ';'."]);
            }
        }
    }
}
