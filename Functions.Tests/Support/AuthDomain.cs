using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Serverless.Auth;

namespace Serverless.Support;

/// <summary>The Auth domain as the app registers it, with a test's settings and clock.</summary>
internal sealed class AuthDomain : IAsyncDisposable
{
    private readonly WebApplication _app;

    public AuthDomain(TimeProvider time, params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(Logs);
        builder.Configuration.AddInMemoryCollection([new("Realtime:JwtSecret", Tokens.Secret), .. settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value))]);
        builder.Services.AddSingleton(time);
        builder.AddAuth();
        _app = builder.Build();
    }

    public JwtVerifier Verifier => _app.Services.GetRequiredService<JwtVerifier>();

    public LogRecorder Logs { get; } = new();

    public static AuthDomain WithKeys(params SigningKey[] keys) => new(TimeProvider.System, ("Realtime:Jwks", SigningKey.SetOf(keys)));

    public async Task<TokenError> VerifyAsync(string token) => (await Verifier.VerifyAsync(token, CancellationToken.None)).Error;

    /// <summary>Judges the settings as the app's start does.</summary>
    public void ValidateSettings() => _app.Services.GetRequiredService<IStartupValidator>().Validate();

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
