using Microsoft.AspNetCore.Http;
using Serverless.Support;

namespace Serverless.Auth.Keys;

/// <summary>What an address may answer badly: nothing of it becomes a key, and all of it is bounded.</summary>
public sealed class JwksDownloadTests : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly SigningKey _key = SigningKey.Ec("key");

    private readonly ManualTime _time = new();
    private JwksServer _server = null!;
    private AuthDomain _auth = null!;

    public static TheoryData<string> BadBodies => new(
        "", "null", "<html></html>", """{"keys":{}}""", """{"keys":[],"keys":[]}""", SigningKey.SetOf(_key)[..^1],
        "{\"keys\":[" + string.Join(',', Enumerable.Repeat("{}", 51)) + "]}",
        "{\"keys\":[" + new string('[', 20_000) + new string(']', 20_000) + "]}");

    public async Task InitializeAsync()
    {
        _server = await JwksServer.StartAsync();
        _auth = new AuthDomain(_time, ("Realtime:JwksUrl", _server.Url.AbsoluteUri + "?key=hidden"));
    }

    public async Task DisposeAsync()
    {
        await _auth.DisposeAsync();
        await _server.DisposeAsync();
        _auth.Logs.Entries.Should().NotContain(entry => entry.Text.Contains("hidden", StringComparison.Ordinal) || entry.Text.Contains("eyJ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_is_not_followed(int status)
    {
        var followed = 0;
        _server.Answer(context =>
        {
            if (context.Request.Path != JwksServer.Path)
            {
                Interlocked.Increment(ref followed);
                return context.Response.WriteAsync(SigningKey.SetOf(_key));
            }

            context.Response.StatusCode = status;
            context.Response.Headers.Location = "/elsewhere";
            return context.Response.WriteAsync(SigningKey.SetOf(_key));
        });

        await ExpectRefusedAsync("redirect");
        followed.Should().Be(0);
    }

    [Theory]
    [InlineData(201)]
    [InlineData(203)]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(429)]
    [InlineData(500)]
    public async Task Another_status_than_200_gives_no_keys(int status)
    {
        _server.Answer(SigningKey.SetOf(_key), status);
        await ExpectRefusedAsync($"status {status}");
    }

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task Text_that_is_no_set_gives_no_keys(string body)
    {
        _server.Answer(body);
        await ExpectRefusedAsync("not a JWK set");
    }

    [Fact]
    public async Task A_set_of_one_byte_too_many_gives_no_keys()
    {
        var set = SigningKey.SetOf(_key);
        _server.Answer(set + new string(' ', JsonWebKeySet.MaxBytes + 1 - set.Length));
        await ExpectRefusedAsync("larger than 65536 bytes");

        _server.Answer(set + new string(' ', JsonWebKeySet.MaxBytes - set.Length));
        _time.Advance(TimeSpan.FromSeconds(30));
        (await VerifyAsync()).Should().Be(TokenError.None);
    }

    [Fact]
    public async Task A_body_without_end_is_read_no_further_than_the_bound()
    {
        var ended = new TaskCompletionSource();
        _server.Answer(async context =>
        {
            var spaces = new byte[16 * 1024];
            spaces.AsSpan().Fill((byte)' ');
            try
            {
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await context.Response.Body.WriteAsync(spaces, context.RequestAborted);
                }
            }
            finally
            {
                ended.SetResult();
            }
        });

        await ExpectRefusedAsync("larger than 65536 bytes");
        await ended.Task.WaitAsync(_limit);
    }

    [Fact]
    public async Task A_body_that_stops_half_way_is_waited_for_no_longer_than_an_answer()
    {
        var halfWay = new TaskCompletionSource();
        _server.Answer(async context =>
        {
            await context.Response.WriteAsync("""{"keys":[""");
            await context.Response.Body.FlushAsync();
            halfWay.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });

        var verifying = VerifyAsync();
        await halfWay.Task.WaitAsync(_limit);
        _time.Advance(TimeSpan.FromSeconds(5));

        (await verifying).Should().Be(TokenError.KeysUnavailable);
        _auth.Logs.Warnings.Should().ContainSingle().Which.Should().Contain("within 5 s");
    }

    [Fact]
    public async Task A_connection_that_breaks_gives_no_keys()
    {
        _server.Answer(async context =>
        {
            context.Response.ContentLength = 1000;
            await context.Response.WriteAsync("""{"keys":[""");
            context.Abort();
        });
        await ExpectRefusedAsync("cannot be reached");
    }

    [Fact]
    public async Task An_address_where_nobody_listens_gives_no_keys()
    {
        await _server.StopAsync();
        await ExpectRefusedAsync("cannot be reached");
    }

    [Fact]
    public async Task A_compressed_body_is_not_unpacked()
    {
        _server.Answer(async context =>
        {
            context.Request.Headers.AcceptEncoding.Should().BeEmpty();
            context.Response.Headers.ContentEncoding = "gzip";
            await using var packed = new System.IO.Compression.GZipStream(context.Response.Body, System.IO.Compression.CompressionLevel.Fastest);
            await packed.WriteAsync(new byte[10_000]);
        });
        await ExpectRefusedAsync("not a JWK set");
    }

    private async Task ExpectRefusedAsync(string said)
    {
        (await VerifyAsync()).Should().Be(TokenError.KeysUnavailable);
        _auth.Logs.Warnings.Should().ContainSingle().Which.Should().Contain("KeysNotFetched").And.Contain(said);
        (await _auth.VerifyAsync(Tokens.Sign(new { alg = "HS256" }, new { role = "anon", exp = 4102444800 }))).Should().Be(TokenError.None);
    }

    private Task<TokenError> VerifyAsync() => _auth.VerifyAsync(_key.Token(time: _time)).WaitAsync(_limit);
}
