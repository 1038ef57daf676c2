using Serverless.Auth;
using Serverless.Subscriptions;

namespace Serverless.Bench;

/// <summary>A user with claims of his own and the room that only he is in.</summary>
internal sealed record Subscriber(Guid User, int Room, Guid Session)
{
    public const string Role = "authenticated";

    private static readonly DateTimeOffset _expiry = TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(8);

    public Caller Caller { get; } = new(
        Role,
        User.ToString(),
        _expiry,
        $$"""{"aud":"{{Role}}","role":"{{Role}}","sub":"{{User}}","email":"user{{Room}}@example.com","session_id":"{{Session}}","exp":{{_expiry.ToUnixTimeSeconds()}}}""");

    public ClaimSet Claims => ClaimSet.Of(Caller);

    /// <summary>The user that the SignalR service knows.</summary>
    public string ConnectionUser => Session.ToString("N");

    public static Subscriber Create(int number, Random random)
    {
        var ids = new byte[32];
        random.NextBytes(ids);
        // Ten digits long, so that a room's number is part of no other text that it stands in.
        return new Subscriber(new Guid(ids.AsSpan(0, 16)), 1_000_000_000 + number, new Guid(ids.AsSpan(16)));
    }
}
