namespace Serverless.Auth.Keys;

/// <summary>A key set as it was at a moment.</summary>
internal sealed record FetchedKeys(JsonWebKeySet Set, DateTimeOffset At)
{
    // A clock that was set back makes keys older, never younger.
    public TimeSpan Age(DateTimeOffset now) => (now - At).Duration();
}
