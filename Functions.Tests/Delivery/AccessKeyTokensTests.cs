using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Serverless.Delivery;

public sealed class AccessKeyTokensTests
{
    private const string Key = "0123456789abcdef0123456789abcdef";
    private static readonly DateTimeOffset _now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly Clock _clock = new() { Now = _now };

    [Fact]
    public void A_token_says_what_it_was_made_with()
    {
        var token = Tokens().Read(Tokens().Issue("https://a.example/client/?hub=realtime", TimeSpan.FromMinutes(1), "ann"), out _);
        token!.Audiences.Should().Equal("https://a.example/client/?hub=realtime");
        token.UserId.Should().Be("ann");
    }

    [Fact]
    public void A_token_is_good_until_its_expiry_and_not_after()
    {
        var token = Tokens().Issue("a", TimeSpan.FromMinutes(1));
        _clock.Now = _now.AddSeconds(59);
        Tokens().Read(token, out _).Should().NotBeNull();
        _clock.Now = _now.AddSeconds(60);
        Tokens().Read(token, out var refusal).Should().BeNull();
        refusal.Should().Contain("expired");
        Tokens().Read(token, out _, ignoreExpiry: true).Should().NotBeNull();
    }

    [Theory]
    [InlineData("asrs.s.uid")]
    [InlineData("nameid")]
    [InlineData("sub")]
    public void A_user_can_be_named_in_each_of_the_claims_that_Azure_reads(string claim) =>
        Tokens().Read(Signed("""{"alg":"HS256"}""", $$"""{"exp":{{Later}},"{{claim}}":"ann"}"""), out _)!.UserId.Should().Be("ann");

    [Fact]
    public void An_audience_can_be_a_list() =>
        Tokens().Read(Signed("""{"alg":"HS256"}""", $$"""{"exp":{{Later}},"aud":["a","b"]}"""), out _)!.Audiences.Should().Equal("a", "b");

    [Theory]
    [InlineData("""{"alg":"none"}""")]
    [InlineData("""{"alg":"hs256"}""")]
    [InlineData("""{"alg":"HS512"}""")]
    [InlineData("""{"alg":"RS256"}""")]
    [InlineData("""{"alg":["HS256"]}""")]
    [InlineData("""{"typ":"JWT"}""")]
    [InlineData("""{"alg":"HS256","crit":["exp"]}""")]
    [InlineData("""["HS256"]""")]
    [InlineData("no json")]
    public void A_header_that_does_not_say_plain_HS256_is_refused(string header) =>
        Tokens().Read(Signed(header, $$"""{"exp":{{Later}}}"""), out _).Should().BeNull();

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"exp":"1900000000"}""")]
    [InlineData("""{"exp":null}""")]
    [InlineData("""{"exp":1900000000,"nbf":1899999999}""")]
    [InlineData("""{"exp":1900000000,"nbf":"x"}""")]
    [InlineData("[1900000000]")]
    [InlineData("no json")]
    public void Claims_without_a_valid_time_are_refused(string claims) =>
        Tokens().Read(Signed("""{"alg":"HS256"}""", claims), out _).Should().BeNull();

    [Fact]
    public void Another_key_or_a_changed_token_is_refused()
    {
        var token = Tokens().Issue("a", TimeSpan.FromMinutes(1));
        new AccessKeyTokens(Key + "x", _clock).Read(token, out var refusal).Should().BeNull();
        refusal.Should().Contain("access key").And.NotContain(Key);

        var parts = token.Split('.');
        var forged = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"exp":{{Later}},"asrs.s.uid":"eve"}"""));
        Tokens().Read($"{parts[0]}.{forged}.{parts[2]}", out _).Should().BeNull();
        Tokens().Read($"{parts[0]}.{parts[1]}.", out _).Should().BeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d")]
    [InlineData("..")]
    [InlineData("x.y.z")]
    [InlineData("e30.e30.x")]
    [InlineData("e30.e30.e30")]
    [InlineData("e30=.e30.e30")]
    [InlineData("e30 .e30.e30")]
    public void What_is_no_token_is_refused(string text) => Tokens().Read(text, out _).Should().BeNull();

    [Fact]
    public void A_token_over_four_kilobytes_is_refused() =>
        Tokens().Read(Tokens().Issue(new string('a', 4096), TimeSpan.FromMinutes(1)), out _).Should().BeNull();

    private static long Later => _now.AddMinutes(1).ToUnixTimeSeconds();

    private AccessKeyTokens Tokens() => new(Key, _clock);

    private static string Signed(string header, string payload)
    {
        var text = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}";
        return $"{text}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), Encoding.ASCII.GetBytes(text)))}";
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
