using System.ComponentModel.DataAnnotations;

namespace Serverless.Auth;

/// <summary>How callers are known.</summary>
internal sealed class AuthOptions
{
    public const string Section = "Realtime";

    /// <summary>The secret that HS256 tokens are signed with: API keys, and users' tokens unless those have keys of their own. No default; at least 32 characters.</summary>
    /// <remarks>RFC 7518 section 3.2 asks for a key of at least the hash's size. Session tokens are signed with a key derived from it.</remarks>
    [Required(ErrorMessage = "Realtime:JwtSecret is not set. Give it the secret that API keys and users' tokens are signed with (HS256), at least 32 characters.")]
    [MinLength(32, ErrorMessage = "Realtime:JwtSecret is too short. HS256 needs at least 32 characters (RFC 7518 section 3.2).")]
    public string JwtSecret { get; set; } = "";

    /// <summary>How long a session token is good for. Default: 24 hours. A client negotiates anew after that.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00", ErrorMessage = "Realtime:SessionLifetime must lie between one minute and 30 days.")]
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(24);
}
