using Microsoft.Extensions.Options;
using Serverless.Support;

namespace Serverless.Auth;

public sealed class SessionTokensTests
{
    private static readonly AuthOptions _options = new() { JwtSecret = Tokens.Secret };

    private readonly SessionTokens _tokens = new(Options.Create(_options), TimeProvider.System);

    [Fact]
    public void A_token_gives_back_its_session()
    {
        var session = Guid.NewGuid();
        _tokens.TryRead(_tokens.Issue(session), out var read).Should().BeTrue();
        read.Should().Be(session);
    }

    [Fact]
    public void Any_altered_character_spoils_it()
    {
        var token = _tokens.Issue(Guid.NewGuid());
        for (var i = 0; i < token.Length; i++)
        {
            var altered = token.ToCharArray();
            altered[i] = altered[i] == 'A' ? 'Q' : 'A';
            _tokens.TryRead(new string(altered), out _).Should().BeFalse("character {0} was altered", i);
        }
    }

    [Fact]
    public void Its_end_and_its_secret_count()
    {
        var late = new SessionTokens(Options.Create(_options), new LaterTime(_options.SessionLifetime + TimeSpan.FromSeconds(1)));
        late.TryRead(_tokens.Issue(Guid.NewGuid()), out _).Should().BeFalse();
        var other = new SessionTokens(Options.Create(new AuthOptions { JwtSecret = "another-secret-that-is-also-long-enough" }), TimeProvider.System);
        _tokens.TryRead(other.Issue(Guid.NewGuid()), out _).Should().BeFalse();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!")]
    public void Other_text_is_no_token(string? text) => _tokens.TryRead(text, out _).Should().BeFalse();

    [Fact]
    public void An_api_key_is_no_session_token() => _tokens.TryRead(Tokens.For("service_role"), out _).Should().BeFalse();

    private sealed class LaterTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
