using Microsoft.Extensions.Options;
using Serverless.Support;

namespace Serverless.Auth.Keys;

/// <summary>A wrong setting stops the start with a sentence that names it.</summary>
public sealed class TokenKeySettingsTests
{
    private const string Url = "https://auth.example.com/.well-known/jwks.json";

    private static readonly string _set = SigningKey.SetOf(SigningKey.Ec("key"));

    public static TheoryData<string, string, string> Wrong => new()
    {
        { "JwksUrl", "auth.example.com/jwks.json", "*Realtime:JwksUrl must be an https address*" },
        { "JwksUrl", "http://auth.example.com/jwks.json", "*Realtime:JwksUrl must be an https address*" },
        { "JwksUrl", "http://127.0.0.1.example.com/jwks.json", "*Realtime:JwksUrl must be an https address*" },
        { "JwksUrl", "http://169.254.169.254/jwks.json", "*Realtime:JwksUrl must be an https address*" },
        { "JwksUrl", "https://user:password@auth.example.com/jwks.json", "*without a user name*" },
        { "JwksUrl", "file:///etc/jwks.json", "*Realtime:JwksUrl must be an https address*" },
        { "JwksUrl", "", "*Realtime:JwksUrl is blank*" },
        { "Jwks", " ", "*Realtime:Jwks is blank*" },
        { "Jwks", "{}", "*Realtime:Jwks is not a JWK set*array 'keys'*" },
        { "Jwks", """{"keys":[]}""", "*Realtime:Jwks has no keys*" },
        { "Jwks", """{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}""", "*Realtime:Jwks has a key that cannot be used*Key 1: it is a shared secret*" },
        { "Jwks", _set.Replace("\"kid\"", "\"d\":\"c2VjcmV0\",\"kid\"", StringComparison.Ordinal), "*Key 1: it has private members*" },
        { "Jwks", SigningKey.SetOf(SigningKey.Ec("same"), SigningKey.Ec("same")), "*Key 2: another key of the set has the same 'kid'*" },
        { "JwtIssuer", "https://auth.example.com", "*Realtime:JwtIssuer and Realtime:JwtAudience*Set Realtime:Jwks or Realtime:JwksUrl*" },
        { "JwtAudience", "authenticated", "*Realtime:JwtIssuer and Realtime:JwtAudience*Set Realtime:Jwks or Realtime:JwksUrl*" },
        { "JwtIssuer", "", "*Realtime:JwtIssuer is blank*" },
        { "JwksTimeout", "00:00:00", "*Realtime:JwksTimeout must lie between*" },
        { "JwksLifetime", "2.00:00:00", "*Realtime:JwksLifetime must lie between*" },
        { "JwksLifetime", "00:00:10", "*Realtime:JwksMinInterval must not be longer than Realtime:JwksLifetime*" },
        { "JwksMinInterval", "00:00:00", "*Realtime:JwksMinInterval must lie between*" },
        { "JwksMaxAge", "00:05:00", "*nor that longer than Realtime:JwksMaxAge*" },
    };

    public static TheoryData<string, string> Right => new()
    {
        { "JwksUrl", Url },
        { "JwksUrl", "http://localhost:8000/jwks.json" },
        { "JwksUrl", "http://127.0.0.1:8000/jwks.json" },
        { "JwksUrl", "http://[::1]:8000/jwks.json" },
        { "Jwks", _set },
        { "JwksMaxAge", "7.00:00:00" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_setting_stops_the_start(string name, string value, string said)
    {
        var failure = (await StartAsync((name, value))).Should().BeOfType<OptionsValidationException>().Which;
        failure.Message.Should().Match(said).And.NotContain("c2VjcmV0").And.NotContain("password");
    }

    [Theory]
    [MemberData(nameof(Right))]
    public async Task A_right_one_does_not(string name, string value) => (await StartAsync((name, value))).Should().BeNull();

    [Fact]
    public void A_set_in_a_settings_file_is_a_text_there_too()
    {
        var build = () => new AuthDomain(TimeProvider.System, ("Realtime:Jwks:keys:0:kty", "EC"));
        build.Should().Throw<InvalidOperationException>().WithMessage("Realtime:Jwks is a JSON object in a settings file.*");
    }

    [Fact]
    public async Task Keys_come_from_one_place() =>
        (await StartAsync(("Jwks", _set), ("JwksUrl", Url)))!.Message.Should().Contain("Realtime:Jwks and Realtime:JwksUrl are both set");

    [Fact]
    public async Task Every_mistake_is_told_at_once() =>
        (await StartAsync(("JwksUrl", "ftp://auth.example.com"), ("JwtIssuer", " "), ("JwksMaxAge", "00:01:00")))!
            .Message.Should().Contain("Realtime:JwksUrl must").And.Contain("Realtime:JwtIssuer is blank").And.Contain("Realtime:JwksMaxAge");

    private static async Task<Exception?> StartAsync(params (string Name, string Value)[] settings)
    {
        await using var auth = new AuthDomain(TimeProvider.System, [.. settings.Select(setting => ($"Realtime:{setting.Name}", setting.Value))]);
        try
        {
            auth.ValidateSettings();
            return null;
        }
        catch (OptionsValidationException ex)
        {
            return ex;
        }
    }
}
