using System.Text;
using Microsoft.Extensions.Options;

namespace Serverless.Auth.Keys;

/// <summary>What one attribute cannot say. Collects every mistake, so that one start shows them all.</summary>
internal sealed class TokenKeyOptionsValidator : IValidateOptions<TokenKeyOptions>
{
    public ValidateOptionsResult Validate(string? name, TokenKeyOptions options)
    {
        var mistakes = new List<string>();
        CheckText(options, mistakes);
        CheckKeys(options, mistakes);
        CheckTimes(options, mistakes);
        return mistakes.Count > 0 ? ValidateOptionsResult.Fail(mistakes) : ValidateOptionsResult.Success;
    }

    private static void CheckText(TokenKeyOptions options, List<string> mistakes)
    {
        // A blank check would check nothing, and who wrote it believes otherwise.
        (string Name, string? Text)[] texts =
        [
            (nameof(options.Jwks), options.Jwks), (nameof(options.JwksUrl), options.JwksUrl),
            (nameof(options.JwtIssuer), options.JwtIssuer), (nameof(options.JwtAudience), options.JwtAudience),
        ];
        mistakes.AddRange(texts.Where(text => text.Text is not null && string.IsNullOrWhiteSpace(text.Text))
            .Select(text => $"Realtime:{text.Name} is blank. Give it a value, or leave the setting out."));
    }

    private static void CheckKeys(TokenKeyOptions options, List<string> mistakes)
    {
        if (options is { Jwks: not null, JwksUrl: not null })
        {
            mistakes.Add("Realtime:Jwks and Realtime:JwksUrl are both set. Give the keys or the address to fetch them from, not both.");
        }

        if (options is { Jwks: null, JwksUrl: null } and ({ JwtIssuer: not null } or { JwtAudience: not null }))
        {
            mistakes.Add("Realtime:JwtIssuer and Realtime:JwtAudience are asked of RS256 and ES256 tokens only, and there are no keys for those. Set Realtime:Jwks or Realtime:JwksUrl, or leave them out.");
        }

        if (!string.IsNullOrWhiteSpace(options.JwksUrl) && !IsAcceptable(options.JwksUrl))
        {
            mistakes.Add("Realtime:JwksUrl must be an https address without a user name, as in 'https://auth.example.com/.well-known/jwks.json'. http is accepted for this machine (localhost, 127.0.0.1) only.");
        }

        if (!string.IsNullOrWhiteSpace(options.Jwks))
        {
            CheckSet(options.Jwks, mistakes);
        }
    }

    // What stands in the settings was put there on purpose, so a key that would be passed over is a mistake too.
    private static void CheckSet(string text, List<string> mistakes)
    {
        if (JsonWebKeySet.Read(Encoding.UTF8.GetBytes(text), out var reason) is not { } set)
        {
            mistakes.Add($"Realtime:Jwks is not a JWK set: {reason}. It looks like '{{\"keys\":[{{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"...\",\"x\":\"...\",\"y\":\"...\"}}]}}'.");
            return;
        }

        mistakes.AddRange(set.Unusable.Select(unusable => $"Realtime:Jwks has a key that cannot be used. Mend it or leave it out. {char.ToUpperInvariant(unusable[0])}{unusable[1..]}."));
        if (set is { Keys.Count: 0, Unusable.Count: 0 })
        {
            mistakes.Add("Realtime:Jwks has no keys. Give it at least one, or leave the setting out.");
        }
    }

    // https; or http on this machine, where nobody is in between. A user name would be a secret in an address that is logged.
    private static bool IsAcceptable(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))
        && url.UserInfo.Length == 0;

    private static void CheckTimes(TokenKeyOptions options, List<string> mistakes)
    {
        if (options.JwksMinInterval > options.JwksLifetime || options.JwksLifetime > options.JwksMaxAge)
        {
            mistakes.Add("Realtime:JwksMinInterval must not be longer than Realtime:JwksLifetime, nor that longer than Realtime:JwksMaxAge.");
        }
    }
}
