using System.ComponentModel.DataAnnotations;

namespace Serverless.Auth.Keys;

/// <summary>Tokens that are signed with a private key (RS256, ES256) rather than with the secret, and what is asked of them.</summary>
internal sealed class TokenKeyOptions
{
    public const string Section = "Realtime";

    /// <summary>The public keys, as the JSON text of a JWK set (RFC 7517 section 5). Default: none.</summary>
    public string? Jwks { get; set; }

    /// <summary>The address of a JWK set, in place of <see cref="Jwks"/>. Default: none.</summary>
    /// <remarks>https, or http on this machine. It is not followed anywhere else.</remarks>
    public string? JwksUrl { get; set; }

    /// <summary>The <c>iss</c> that RS256 and ES256 tokens must have. Default: any.</summary>
    /// <remarks>HS256 tokens are not asked: API keys are among them.</remarks>
    public string? JwtIssuer { get; set; }

    /// <summary>What the <c>aud</c> of RS256 and ES256 tokens must be or contain. Default: anything.</summary>
    /// <remarks>HS256 tokens are not asked: API keys have none.</remarks>
    public string? JwtAudience { get; set; }

    /// <summary>The longest that one fetch of <see cref="JwksUrl"/> may take. Default: 5 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00", ErrorMessage = "Realtime:JwksTimeout must lie between a tenth of a second and one minute.")]
    public TimeSpan JwksTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long fetched keys are used before they are fetched anew. Default: 10 minutes.</summary>
    /// <remarks>So long, too, a key that was taken out of the set is still accepted.</remarks>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "Realtime:JwksLifetime must lie between one second and one day.")]
    public TimeSpan JwksLifetime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The shortest time between two fetches, whatever tokens ask for. Default: 30 seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ErrorMessage = "Realtime:JwksMinInterval must lie between one second and one hour.")]
    public TimeSpan JwksMinInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long fetched keys are used while they cannot be fetched anew. Default: 24 hours.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00", ErrorMessage = "Realtime:JwksMaxAge must lie between one second and 30 days.")]
    public TimeSpan JwksMaxAge { get; set; } = TimeSpan.FromHours(24);
}
