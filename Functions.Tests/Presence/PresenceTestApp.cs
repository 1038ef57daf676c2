using Microsoft.Extensions.DependencyInjection;
using Serverless.Auth;
using Serverless.Support;

namespace Serverless.Presence;

/// <summary>What tests of presence ask of an app.</summary>
internal static class PresenceTestApp
{
    public static T Service<T>(this RealtimeTestApp app)
        where T : notnull => app.App.Services.GetRequiredService<T>();

    /// <summary>The token that negotiate would have given a session.</summary>
    public static string SessionToken(this RealtimeTestApp app, Guid session) => app.Service<SessionTokens>().Issue(session);
}
