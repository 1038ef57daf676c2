using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Journeys;

/// <summary>The API key is signed with the secret, the user's token with a key that its issuer publishes at an address.</summary>
public sealed class IssuersKeysTests : IAsyncLifetime
{
    private const string Ada = "aaaaaaaa-0000-4000-8000-000000000001";
    private const string Issuer = "https://auth.example.com/auth/v1";

    private static readonly SigningKey _key = SigningKey.Ec("first");

    private JwksServer _issuer = null!;
    private TestDatabase _database = null!;
    private RealtimeTestApp _app = null!;

    public async Task InitializeAsync()
    {
        _issuer = await JwksServer.StartAsync();
        _issuer.Publish(_key);
        _database = await TestDatabase.CreateAsync();
        _app = await RealtimeTestApp.StartAsync(
            _database, $"--Realtime:JwksUrl={_issuer.Url}", $"--Realtime:JwtIssuer={Issuer}", "--Realtime:JwtAudience=authenticated");
        await _database.ExecuteAsync(
            """
            create table notes (id int primary key, owner uuid);
            alter table notes enable row level security;
            create policy own on notes for select to authenticated using (owner = (select auth.uid()));
            grant select on notes to anon, authenticated;
            select serverless_realtime.enable('notes');
            """);
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        await _database.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Fact]
    public async Task A_user_joins_with_a_token_of_the_issuer_and_receives_what_its_claims_allow()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);

        var number = await JoinAsync(client, TokenOf(_key));
        await _database.ExecuteAsync($"insert into notes values (1, '{Guid.NewGuid()}'), (2, '{Ada}')");

        var change = (await client.ChangesAsync(number, 1))[0];
        change.GetProperty("record").GetProperty("id").GetInt32().Should().Be(2);
        _issuer.Requests.Should().Be(1);
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task The_bearer_token_of_a_call_and_a_changed_token_may_be_of_a_key_that_is_new()
    {
        var second = SigningKey.Rsa("second");
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        await JoinAsync(client, TokenOf(_key));
        _issuer.Publish(_key, second);
        _app.Time.Move(TimeSpan.FromSeconds(30));

        using var changed = await client.PostAsync("access-token", new { access_token = TokenOf(second) });
        changed.StatusCode.Should().Be(HttpStatusCode.OK);

        using var http = RealtimeClient.Http(_app.Url);
        http.DefaultRequestHeaders.Authorization = new("Bearer", TokenOf(second));
        using var negotiated = await http.PostAsync("/realtime/v1/negotiate", null);
        negotiated.StatusCode.Should().Be(HttpStatusCode.OK);
        _issuer.Requests.Should().Be(2);
        _app.Logs.Warnings.Should().BeEmpty();
    }

    [Fact]
    public async Task Strangers_tokens_are_refused_and_the_channel_beside_them_is_joined()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var claims = Claims();
        string[] tokens =
        [
            TokenOf(_key),
            TokenOf(SigningKey.Ec("first")),
            TokenOf(SigningKey.Ec("stranger")),
            Tokens.Sign(new { alg = "HS256", kid = "first" }, claims, _key.Jwk.ToJsonString()),
            Tokens.Join(new { alg = "none" }, claims, _ => []),
            _key.Sign(new { role = "authenticated", exp = Tokens.Expiry(), iss = "https://stranger.example", aud = "authenticated" }),
        ];

        using var response = await client.PostAsync("join", new { channels = tokens.Select((token, number) => new { topic = $"room {number}", access_token = token }) });

        response.StatusCode.Should().Be(HttpStatusCode.OK);
        var answers = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels").EnumerateArray().ToList();
        answers.Select(answer => answer.GetProperty("status").GetString()).Should().Equal("ok", "error", "error", "error", "error", "error");
        answers.Skip(1).Select(answer => answer.GetProperty("code").GetString())
            .Should().Equal("JwtSignatureError", "JwtSignatureError", "JwtSignatureError", "JwtSignatureError", "InvalidJWTToken");
        answers.Skip(1).Should().OnlyContain(answer => answer.GetProperty("statusCode").GetInt32() == 401);
    }

    [Fact]
    public async Task While_the_issuer_does_not_answer_its_users_may_try_again_and_API_keys_go_on()
    {
        _issuer.Answer("no", status: 500);
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);

        using var response = await client.PostAsync("join", new { topic = "room", access_token = TokenOf(_key) });
        response.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString().Should().Be("TokenKeysUnavailable");
        (await client.JoinAsync("room", new { table = "notes" })).Should().ContainSingle();
        _app.Logs.Warnings.Should().ContainSingle().Which.Should().Contain("KeysNotFetched").And.NotContain("eyJ");

        _issuer.Publish(_key);
        _app.Time.Move(TimeSpan.FromSeconds(30));
        await JoinAsync(client, TokenOf(_key));
    }

    private static object Claims() => new { role = "authenticated", sub = Ada, exp = Tokens.Expiry(), iss = Issuer, aud = "authenticated" };

    private static string TokenOf(SigningKey key) => key.Sign(Claims());

    private static async Task<long> JoinAsync(RealtimeClient client, string token)
    {
        using var response = await client.PostAsync(
            "join", new { topic = "room", access_token = token, config = new { postgres_changes = new[] { new { table = "notes" } } } });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.StatusCode.Should().Be(HttpStatusCode.OK, "the join was answered {0}", body);
        return body.GetProperty("postgres_changes")[0].GetProperty("id").GetInt64();
    }
}
