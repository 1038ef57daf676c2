using System.Text;
using Microsoft.Extensions.Options;

namespace Serverless.Auth.Keys;

/// <summary>Registers the public keys that tokens may be signed with: those of the settings, those of an address, or none.</summary>
internal static class TokenKeysServices
{
    public static void AddTokenKeys(this WebApplicationBuilder builder)
    {
        // The framework would say that it cannot make a text of it.
        if (builder.Configuration.GetSection($"{TokenKeyOptions.Section}:{nameof(TokenKeyOptions.Jwks)}").GetChildren().Any())
        {
            throw new InvalidOperationException("Realtime:Jwks is a JSON object in a settings file. Write the key set as one text, with its quotes escaped.");
        }

        builder.Services.AddOptions<TokenKeyOptions>().BindConfiguration(TokenKeyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<TokenKeyOptions>, TokenKeyOptionsValidator>();
        builder.Services.AddHttpClient(JwksDownload.Client)
            .ConfigureHttpClient(client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(CreateHandler)
            .RemoveAllLoggers();
        builder.Services.AddSingleton<JwksDownload>();
        builder.Services.AddSingleton(CreateKeys);
    }

    private static SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,

        // What is too large is not read to its end for the connection's sake.
        MaxResponseDrainSize = 0,
    };

    private static IVerificationKeys CreateKeys(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<TokenKeyOptions>>().Value;
        return options.JwksUrl is not null
            ? ActivatorUtilities.CreateInstance<JwksCache>(services)
            : new FixedKeys(options.Jwks is null ? null : JsonWebKeySet.Read(Encoding.UTF8.GetBytes(options.Jwks), out _));
    }
}
