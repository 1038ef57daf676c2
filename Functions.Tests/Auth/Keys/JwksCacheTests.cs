using Microsoft.AspNetCore.Http;
using Serverless.Support;

namespace Serverless.Auth.Keys;

/// <summary>When keys are fetched, who waits for that, and how long keys are believed.</summary>
public sealed class JwksCacheTests : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _lifetime = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan _maxAge = TimeSpan.FromHours(24);

    private static readonly SigningKey _old = SigningKey.Ec("old");
    private static readonly SigningKey _new = SigningKey.Ec("new");

    private readonly ManualTime _time = new();
    private JwksServer _server = null!;
    private AuthDomain _auth = null!;

    public async Task InitializeAsync()
    {
        _server = await JwksServer.StartAsync();
        _server.Publish(_old);
        _auth = new AuthDomain(_time, ("Realtime:JwksUrl", _server.Url.AbsoluteUri));
    }

    public async Task DisposeAsync()
    {
        await _auth.DisposeAsync();
        await _server.DisposeAsync();
        _auth.Logs.Entries.Should().NotContain(entry => entry.Text.Contains("eyJ", StringComparison.Ordinal), "no token is logged");
    }

    [Fact]
    public async Task Keys_are_fetched_once_and_not_before_a_token_needs_them()
    {
        (await VerifyAsync(Secret())).Should().Be(TokenError.None);
        _server.Requests.Should().Be(0);

        for (var token = 0; token < 3; token++)
        {
            (await VerifyAsync(_old)).Should().Be(TokenError.None);
        }

        _server.Requests.Should().Be(1);
        _auth.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task Tokens_that_come_together_share_the_first_fetch()
    {
        var answer = new TaskCompletionSource();
        _server.Answer(async context =>
        {
            await answer.Task;
            await context.Response.WriteAsync(SigningKey.SetOf(_old));
        });

        var verifying = Enumerable.Range(0, 100).Select(_ => Task.Run(() => VerifyAsync(_old))).ToList();
        await _server.ArrivedAsync();
        var waiting = VerifyAsync(_old);
        waiting.IsCompleted.Should().BeFalse();
        answer.SetResult();

        (await Task.WhenAll(verifying)).Should().OnlyContain(error => error == TokenError.None);
        (await waiting).Should().Be(TokenError.None);
        _server.Requests.Should().Be(1);
    }

    [Fact]
    public async Task A_caller_who_goes_away_takes_the_fetch_from_nobody()
    {
        var answer = new TaskCompletionSource();
        _server.Answer(async context =>
        {
            await answer.Task;
            await context.Response.WriteAsync(SigningKey.SetOf(_old));
        });
        using var gone = new CancellationTokenSource();

        var leaving = _auth.Verifier.VerifyAsync(_old.Token(time: _time), gone.Token).AsTask();
        await _server.ArrivedAsync();
        var staying = VerifyAsync(_old);
        await gone.CancelAsync();
        await leaving.WaitAsync(_limit).Invoking(task => task).Should().ThrowAsync<OperationCanceledException>();
        answer.SetResult();

        (await staying.WaitAsync(_limit)).Should().Be(TokenError.None);
        _server.Requests.Should().Be(1);
    }

    [Fact]
    public async Task A_new_key_is_accepted_after_one_more_fetch()
    {
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        _server.Publish(_old, _new);
        _time.Advance(_interval);

        (await VerifyAsync(_new)).Should().Be(TokenError.None);
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        (await VerifyAsync(_new)).Should().Be(TokenError.None);
        _server.Requests.Should().Be(2);
    }

    [Fact]
    public async Task A_removed_key_is_refused_when_the_keys_lifetime_is_over()
    {
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        _server.Publish(_new);

        _time.Advance(_lifetime - TimeSpan.FromSeconds(1));
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        _server.Requests.Should().Be(1);

        _time.Advance(TimeSpan.FromSeconds(1));
        (await VerifyAsync(_old)).Should().Be(TokenError.UnknownKey);
        (await VerifyAsync(_new)).Should().Be(TokenError.None);
        _server.Requests.Should().Be(2);
        _auth.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task A_flood_of_invented_names_costs_one_fetch_an_interval_and_harms_no_other_token()
    {
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        _time.Advance(_interval);

        for (var round = 0; round < 3; round++)
        {
            var flood = Enumerable.Range(0, 500).Select(number => Task.Run(() => VerifyAsync(SigningKey.Ec($"invented {round} {number}")))).ToList();
            (await VerifyAsync(_old)).Should().Be(TokenError.None);
            (await Task.WhenAll(flood)).Should().OnlyContain(error => error == TokenError.UnknownKey);
            _server.Requests.Should().Be(2 + round);
            _time.Advance(_interval);
        }
    }

    [Fact]
    public async Task A_name_of_the_wrong_algorithm_asks_for_no_fetch()
    {
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        _time.Advance(_interval);

        (await _auth.VerifyAsync(SigningKey.Rsa("old").Token(time: _time))).Should().Be(TokenError.UnfitKey);
        (await VerifyAsync(SigningKey.Ec("old"))).Should().Be(TokenError.BadSignature);
        _server.Requests.Should().Be(1);
    }

    [Fact]
    public async Task An_address_that_never_answers_holds_up_only_who_needs_it_and_not_for_long()
    {
        _server.Hang();
        var verifying = VerifyAsync(_old);
        await _server.ArrivedAsync();

        VerifyAsync(Secret()).IsCompletedSuccessfully.Should().BeTrue();
        verifying.IsCompleted.Should().BeFalse();
        _time.Advance(_timeout);
        (await verifying.WaitAsync(_limit)).Should().Be(TokenError.KeysUnavailable);
        _auth.Logs.Warnings.Should().ContainSingle().Which.Should().Contain("KeysNotFetched").And.Contain("within 5 s").And.Contain(_server.Url.AbsoluteUri);

        var next = VerifyAsync(_old);
        next.IsCompletedSuccessfully.Should().BeTrue("it is too early to ask again");
        (await next).Should().Be(TokenError.KeysUnavailable);
        _server.Requests.Should().Be(1);
    }

    [Fact]
    public async Task A_fetch_that_outlasts_the_interval_stays_the_only_one()
    {
        await using var auth = new AuthDomain(_time, ("Realtime:JwksUrl", _server.Url.AbsoluteUri), ("Realtime:JwksMinInterval", "00:00:01"));
        _server.Hang();
        var first = auth.VerifyAsync(_old.Token(time: _time));
        await _server.ArrivedAsync();
        _time.Advance(TimeSpan.FromSeconds(2));
        var second = auth.VerifyAsync(_old.Token(time: _time));
        _time.Advance(_timeout);

        (await Task.WhenAll(first, second).WaitAsync(_limit)).Should().OnlyContain(error => error == TokenError.KeysUnavailable);
        _server.Requests.Should().Be(1);
    }

    [Fact]
    public async Task The_last_good_keys_go_on_until_their_greatest_age()
    {
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        _server.Hang();
        await _server.ArrivedAsync();
        _time.Advance(_lifetime);

        // Nobody has asked since they expired, so this one waits, and goes on with what there was.
        var first = VerifyAsync(_old);
        await _server.ArrivedAsync();
        first.IsCompleted.Should().BeFalse();
        _time.Advance(_timeout);
        (await first.WaitAsync(_limit)).Should().Be(TokenError.None);

        // From now on whoever names a known key waits no more, though a fetch is under way; whoever names another one cannot be told that it is wrong.
        _time.Advance(_interval);
        VerifyAsync(_old).IsCompletedSuccessfully.Should().BeTrue();
        await _server.ArrivedAsync();
        var unknown = VerifyAsync(_new);
        unknown.IsCompleted.Should().BeFalse();
        _time.Advance(_timeout);
        (await unknown.WaitAsync(_limit)).Should().Be(TokenError.KeysUnavailable);

        _time.Advance(_maxAge - _lifetime - _timeout - _interval - _timeout - TimeSpan.FromSeconds(1));
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        await _server.ArrivedAsync();
        _time.Advance(TimeSpan.FromSeconds(1));
        var last = VerifyAsync(_old);
        _time.Advance(_timeout);
        (await last.WaitAsync(_limit)).Should().Be(TokenError.KeysUnavailable);

        _server.Publish(_old);
        _time.Advance(_interval);
        (await VerifyAsync(_old)).Should().Be(TokenError.None, "the address is back");
    }

    [Fact]
    public async Task A_set_without_keys_is_an_answer_and_takes_all_keys_away()
    {
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        _server.Answer("""{"keys":[]}""");
        _time.Advance(_lifetime);

        (await VerifyAsync(_old)).Should().Be(TokenError.UnknownKey);
        _auth.Logs.Warnings.Should().ContainSingle().Which.Should().Contain("NoKeyUsable").And.Contain("no key that can be used");
    }

    [Fact]
    public async Task Keys_that_share_a_kid_are_refused_and_the_others_go_on()
    {
        _server.Publish(_old, SigningKey.Ec("old"), _new);

        (await VerifyAsync(_new)).Should().Be(TokenError.None);
        (await VerifyAsync(_old)).Should().Be(TokenError.UnknownKey);
        _auth.Logs.Entries.Should().ContainSingle(entry => entry.Id.Id == 7503).Which.Text.Should().Contain("key 1: another key of the set has the same 'kid'");
    }

    [Fact]
    public async Task A_clock_that_is_set_back_makes_keys_older_and_not_younger()
    {
        (await VerifyAsync(_old)).Should().Be(TokenError.None);
        _server.Publish(_new);

        _time.Advance(-_lifetime);
        (await VerifyAsync(_old)).Should().Be(TokenError.UnknownKey);
        _server.Requests.Should().Be(2);
    }

    private static string Secret() => Tokens.Sign(new { alg = "HS256" }, new { role = "anon", exp = 4102444800 });

    private Task<TokenError> VerifyAsync(SigningKey key) => VerifyAsync(key.Token(time: _time));

    private Task<TokenError> VerifyAsync(string token) => _auth.VerifyAsync(token).WaitAsync(_limit);
}
