using System.Net;

namespace Serverless.Hosting;

/// <summary>Listens where the Functions host tells us to.</summary>
internal static class FunctionsPort
{
    /// <summary>
    /// Under a Functions host: listens on 127.0.0.1 at its port instead of the configured addresses, and answers its <c>GET /</c>, which it
    /// sends until the process is ready and as a ping later. Without one, changes nothing.
    /// </summary>
    public static void UseFunctionsPort(this WebApplicationBuilder builder)
    {
        var host = FunctionsHost.From(builder.Configuration);
        if (host.IsPresent)
        {
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, host.Port.Value));
            builder.Services.AddSingleton<IStartupFilter>(new PingFilter(host));
        }
    }

    // Ahead of the routes, so that a page served at "/" elsewhere neither answers the host nor is hidden.
    private sealed class PingFilter(FunctionsHost host) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, following) => IsPing(context) ? Task.CompletedTask : following(context));
            next(app);
        };

        private bool IsPing(HttpContext context) =>
            HttpMethods.IsGet(context.Request.Method) && context.Request.Path == "/" && host.IsCaller(context.Connection);
    }
}
