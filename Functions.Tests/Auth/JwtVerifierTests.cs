using System.Buffers.Text;
using System.Text;
using Microsoft.Extensions.Options;
using Serverless.Auth.Keys;
using Serverless.Support;

namespace Serverless.Auth;

/// <summary>Tokens signed with the secret: API keys above all.</summary>
public sealed class JwtVerifierTests
{
    private readonly JwtVerifier _verifier = With(Tokens.Secret);

    [Fact]
    public async Task A_signed_token_gives_its_caller()
    {
        var token = Tokens.Sign(new { alg = "HS256" }, new { role = "authenticated", sub = "7d3c", exp = Tokens.Expiry(), email = "x@example.com" });

        var (error, caller) = await _verifier.VerifyAsync(token, CancellationToken.None);

        error.Should().Be(TokenError.None);
        caller!.Role.Should().Be("authenticated");
        caller.Subject.Should().Be("7d3c");
        caller.Claims.Should().Contain("x@example.com");
        caller.ToString().Should().NotContain("x@example.com", "a record is easily logged");
    }

    [Fact]
    public async Task A_decimal_expiry_is_a_time_too() =>
        (await VerifyAsync(new { alg = "HS256" }, new { role = "anon", exp = Tokens.Expiry() + 0.5 })).Should().Be(TokenError.None);

    [Fact]
    public async Task A_signature_made_elsewhere_holds()
    {
        // The sample token that jwt.io shows, whose secret is published with it. Its signature is good and its claims say nothing of a role.
        const string Token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";

        (await With("your-256-bit-secret").VerifyAsync(Token, CancellationToken.None)).Error.Should().Be(TokenError.MissingClaims);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("HS384")]
    [InlineData("RS256")]
    [InlineData("ES256")]
    [InlineData("hs256")]
    public async Task Another_algorithm_is_refused_whatever_it_is_signed_with(string alg) =>
        (await VerifyAsync(new { alg }, Good())).Should().Be(TokenError.UnsupportedAlgorithm);

    [Theory]
    [InlineData("""{"alg":"HS256","crit":["b64"],"b64":false}""")]
    [InlineData("""{"alg":"HS256","alg":"none"}""")]
    [InlineData("""["HS256"]""")]
    [InlineData("""{"alg":"HS256" """)]
    public async Task A_header_that_is_not_plain_is_malformed(string header) =>
        (await VerifyAsync(header, Good())).Should().Be(TokenError.Malformed);

    [Theory]
    [InlineData("""{"role":"anon"}""")]
    [InlineData("""{"role":"anon","exp":"2099"}""")]
    [InlineData("""{"role":"anon","exp":1e999}""")]
    [InlineData("""{"role":"anon","exp":-1}""")]
    [InlineData("""{"exp":4102444800}""")]
    [InlineData("""{"role":"","exp":4102444800}""")]
    [InlineData("""{"role":["anon"],"exp":4102444800}""")]
    public async Task Without_a_role_and_an_expiry_a_token_says_nothing(string payload) =>
        (await VerifyAsync(new { alg = "HS256" }, payload)).Should().Be(TokenError.MissingClaims);

    [Theory]
    [InlineData("""{"role":"anon","role":"service_role","exp":4102444800}""")]
    [InlineData("""{"role":"\ud800","exp":4102444800}""")]
    [InlineData("null")]
    [InlineData("")]
    public async Task A_payload_that_is_not_plain_is_malformed(string payload) =>
        (await VerifyAsync(new { alg = "HS256" }, payload)).Should().Be(TokenError.Malformed);

    [Fact]
    public async Task Time_is_kept_at_both_ends()
    {
        (await VerifyAsync(new { alg = "HS256" }, new { role = "anon", exp = Tokens.Expiry(TimeSpan.FromSeconds(-1)) })).Should().Be(TokenError.Expired);
        (await VerifyAsync(new { alg = "HS256" }, new { role = "anon", exp = Tokens.Expiry(), nbf = Tokens.Expiry(TimeSpan.FromMinutes(1)) })).Should().Be(TokenError.NotYetValid);
        (await VerifyAsync(new { alg = "HS256" }, new { role = "anon", exp = Tokens.Expiry(), nbf = "soon" })).Should().Be(TokenError.NotYetValid);
    }

    [Fact]
    public async Task Another_secret_or_an_altered_part_is_refused()
    {
        (await VerifyAsync(Tokens.Sign(new { alg = "HS256" }, Good(), "another-secret-that-is-also-long-enough"))).Should().Be(TokenError.BadSignature);
        var parts = Tokens.For("anon").Split('.');
        var altered = Base64Url.EncodeToString(Encoding.UTF8.GetBytes("""{"role":"service_role","exp":4102444800}"""));
        (await VerifyAsync($"{parts[0]}.{altered}.{parts[2]}")).Should().Be(TokenError.BadSignature);
        (await VerifyAsync($"{parts[0]}.{parts[1]}.")).Should().Be(TokenError.BadSignature);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b")]
    [InlineData("a.b.c")]
    [InlineData("a.b.c.d")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9 .e30.AAAA")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9=.e30=.AAAA")]
    public async Task Text_of_another_form_is_malformed(string token) =>
        (await VerifyAsync(token)).Should().Be(TokenError.Malformed);

    [Fact]
    public async Task A_huge_token_is_refused_unread() =>
        (await VerifyAsync(new { alg = "HS256" }, new { role = "anon", exp = Tokens.Expiry(), pad = new string('x', 20_000) }))
            .Should().Be(TokenError.Malformed);

    [Fact]
    public async Task Deep_nesting_is_refused() =>
        (await VerifyAsync(new { alg = "HS256" }, """{"role":"anon","exp":4102444800,"x":""" + new string('[', 500) + new string(']', 500) + "}"))
            .Should().Be(TokenError.Malformed);

    private static object Good() => new { role = "anon", exp = Tokens.Expiry() };

    private Task<TokenError> VerifyAsync(object header, object payload) => VerifyAsync(Tokens.Sign(header, payload));

    private async Task<TokenError> VerifyAsync(string token) => (await _verifier.VerifyAsync(token, CancellationToken.None)).Error;

    // With an issuer and an audience, which are not asked of these tokens.
    private static JwtVerifier With(string secret) => new(
        Options.Create(new AuthOptions { JwtSecret = secret }),
        Options.Create(new TokenKeyOptions { JwtIssuer = "https://auth.example.com", JwtAudience = "authenticated" }),
        new FixedKeys(set: null),
        TimeProvider.System);
}
