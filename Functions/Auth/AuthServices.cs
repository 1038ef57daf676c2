using Serverless.Auth.Keys;

namespace Serverless.Auth;

internal static class AuthServices
{
    public static void AddAuth(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<AuthOptions>().BindConfiguration(AuthOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.AddTokenKeys();
        builder.Services.AddSingleton<JwtVerifier>();
        builder.Services.AddSingleton<SessionTokens>();
        builder.Services.AddSingleton<CallerAuthentication>();
    }
}
