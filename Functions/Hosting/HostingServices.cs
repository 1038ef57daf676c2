using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.Configuration.Memory;

namespace Serverless.Hosting;

/// <summary>What every route shares: the clock, CORS, JSON answers to what nobody foresaw.</summary>
internal static class HostingServices
{
    private static readonly TimeSpan _preflightAge = TimeSpan.FromHours(1);

    // As the answers of the routes are written: an apostrophe is no escape sequence.
    private static readonly JsonSerializerOptions _plainJson = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void AddHosting(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(10));
        builder.Services.AddCors();

        // Otherwise every statement and every request is a line. The first source, so that any setting of one's own wins.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = new Dictionary<string, string?>
            {
                ["Logging:LogLevel:Npgsql"] = "Warning",
                ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
            },
        });
    }

    public static void UseHosting(this WebApplication app)
    {
        app.UseExceptionHandler(errors => errors.Run(AnswerFailureAsync));
        var origins = (app.Configuration["Realtime:AllowedOrigins"] ?? "*").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

        // Tokens travel in headers and bodies, never in cookies, so any origin may be let in without credentials.
        // The client endpoint of embedded SignalR has rules of its own: SignalR clients send credentials.
        app.UseWhen(context => !context.Request.Path.StartsWithSegments("/client"), routes => routes.UseCors(policy => policy
            .WithOrigins(origins)
            .WithMethods("GET", "POST")
            .WithHeaders("authorization", "apikey", "content-type", "last-event-id", "x-client-info", "x-realtime-session")
            .SetPreflightMaxAge(_preflightAge)));
    }

    private static async Task AnswerFailureAsync(HttpContext context)
    {
        var failure = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var status = failure is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError;
        context.Response.StatusCode = status;
        await context.Response.WriteAsJsonAsync(
            status == StatusCodes.Status500InternalServerError
                ? new { code = "InternalError", message = "The call failed for a reason that is ours; the service's log has it." }
                : new { code = "InvalidBody", message = failure!.Message },
            _plainJson);
    }
}
