using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Channels;

/// <summary>What a developer is told when a call is wrong, and that the app goes on.</summary>
public sealed class BadInputTests : IClassFixture<BadInputTests.App>
{
    private readonly App _app;

    public BadInputTests(App app) => _app = app;

    public static TheoryData<object, string, string> Subscriptions => new()
    {
        { new { table = "things", filter = "id=eq.x" }, "InvalidFilter", "'id=eq.x'" },
        { new { table = "things", filter = "id" }, "InvalidFilter", "'column=eq.value'" },
        { new { table = "things", filter = "nope=eq.1" }, "InvalidFilter", "no column 'nope'" },
        { new { table = "things", filter = "id=near.1" }, "InvalidFilter", "near" },
        { new { table = "things", filter = "twice=eq.4" }, "InvalidFilter", "generated" },
        { new { table = "things", filter = "id=eq.1;drop table things" }, "InvalidFilter", "integer" },
        { new { table = "things", filter = "id=eq." + new string('9', 9000) }, "InvalidFilter", "8192" },
        { new { table = "nothing" }, "UnknownTable", "'nothing'" },
        { new { table = "things\"; drop table things; --" }, "UnknownTable", "There is no table" },
        { new { schema = "nowhere", table = "things" }, "UnknownSchema", "'nowhere'" },
        { new { table = "hidden" }, "TableNotPublished", "add table \"public\".\"hidden\"" },
        { new { table = "secret" }, "InsufficientPrivilege", "grant select on \"public\".\"secret\" to \"anon\"" },
        { new { @event = "TRUNCATE", table = "things" }, "InvalidEvent", "'TRUNCATE'" },
        { new { table = "things", select = new[] { "nope" } }, "InvalidSelect", "'nope'" },
        { new { table = "things", select = new string?[] { "id", null } }, "InvalidSelect", "null" },
        { new { table = "things\0" }, "InvalidTable", "control character" },
        { new { filter = "id=eq.1" }, "FilterWithoutTable", "table" },
        { new { table = new string('t', 64) }, "InvalidTable", "63" },
    };

    public static TheoryData<string, HttpStatusCode, string> Bodies => new()
    {
        { "", HttpStatusCode.BadRequest, "InvalidBody" },
        { "null", HttpStatusCode.BadRequest, "InvalidBody" },
        { "[]", HttpStatusCode.BadRequest, "InvalidBody" },
        { "{\"topic\":\"a\"", HttpStatusCode.BadRequest, "InvalidBody" },
        { "{\"topic\":7}", HttpStatusCode.BadRequest, "InvalidBody" },
        { "{\"topic\":\"a\",\"config\":{\"postgres_changes\":\"all\"}}", HttpStatusCode.BadRequest, "InvalidBody" },
        { "{\"topic\":\"\\ud800\"}", HttpStatusCode.BadRequest, "InvalidBody" },
        { "{}", HttpStatusCode.BadRequest, "InvalidTopic" },
        { "{\"topic\":\"\"}", HttpStatusCode.BadRequest, "InvalidTopic" },
        { "{\"topic\":\"a\\u0000b\"}", HttpStatusCode.BadRequest, "InvalidTopic" },
        { "{\"topic\":\"" + new string('t', 10_000) + "\"}", HttpStatusCode.BadRequest, "InvalidTopic" },
        { "{\"topic\":\"a\",\"access_token\":\"a.b.c\"}", HttpStatusCode.Unauthorized, "MalformedJWT" },
        { "{\"topic\":\"a\",\"config\":{\"postgres_changes\":[" + string.Join(',', Enumerable.Repeat("{}", 101)) + "]}}", HttpStatusCode.BadRequest, "TooManySubscriptions" },
        { "{\"channels\":[" + string.Join(',', Enumerable.Repeat("{}", 101)) + "]}", HttpStatusCode.BadRequest, "TooManyChannels" },
        { new string('[', 5000), HttpStatusCode.BadRequest, "InvalidBody" },
        { new string(' ', 6_000_000), HttpStatusCode.RequestEntityTooLarge, "BodyTooLarge" },
    };

    [Theory]
    [MemberData(nameof(Subscriptions))]
    public async Task A_subscription_that_cannot_be_made_says_why(object subscription, string code, string said)
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        using var response = await client.PostAsync("join", new { topic = "room", config = new { postgres_changes = new[] { subscription } } });
        await ExpectAsync(response, code is "InsufficientPrivilege" ? HttpStatusCode.Forbidden : HttpStatusCode.BadRequest, code, said);
        await ExpectAliveAsync(client);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_body_that_is_wrong_says_why(string body, HttpStatusCode status, string code)
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        using var http = RealtimeClient.Http(_app.Url);
        http.DefaultRequestHeaders.Add("x-realtime-session", client.Session);
        using var response = await http.PostAsync("/realtime/v1/channels/join", new StringContent(body, Encoding.UTF8, "application/json"));
        await ExpectAsync(response, status, code, "");
        await ExpectAliveAsync(client);
    }

    [Theory]
    [InlineData(null, "MissingToken")]
    [InlineData("", "MissingToken")]
    [InlineData("not-a-token", "MalformedJWT")]
    [InlineData("expired", "TokenExpired")]
    [InlineData("forged", "JwtSignatureError")]
    public async Task A_key_that_does_not_hold_is_refused(string? key, string code)
    {
        var sent = key switch
        {
            "expired" => Tokens.For("anon", lifetime: TimeSpan.FromSeconds(-10)),
            "forged" => Tokens.Sign(new { alg = "HS256" }, new { role = "service_role", exp = Tokens.Expiry() }, "some-other-secret-of-enough-characters"),
            _ => key,
        };
        using var http = new HttpClient { BaseAddress = _app.Url };
        if (sent is not null)
        {
            http.DefaultRequestHeaders.TryAddWithoutValidation("apikey", sent);
        }

        foreach (var route in new[] { "negotiate", "channels/join", "channels/leave", "channels/access-token" })
        {
            using var response = await http.PostAsJsonAsync($"/realtime/v1/{route}", new { topic = "room" });
            await ExpectAsync(response, HttpStatusCode.Unauthorized, code, "");
        }
    }

    [Theory]
    [InlineData("""{"role":"authenticated","sub":"a\u0000b","exp":4102444800}""")]
    [InlineData("""{"role":"anon\u0000","exp":4102444800}""")]
    [InlineData("""{"role":"authenticated","sub":"ada","name":"\ud800","exp":4102444800}""")]
    [InlineData("""{"role":"authenticated","sub":"ada","lists":[{"\udfff":1}],"exp":4102444800}""")]
    public async Task A_signed_token_whose_claims_are_no_text_is_malformed(string claims)
    {
        var token = Tokens.Sign(new { alg = "HS256" }, claims);
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        using (var joined = await client.PostAsync("join", new { topic = "room", access_token = token, config = new { postgres_changes = new[] { new { table = "things" } } } }))
        {
            await ExpectAsync(joined, HttpStatusCode.Unauthorized, "MalformedJWT", "");
        }

        using (var renewed = await client.PostAsync("access-token", new { access_token = token }))
        {
            await ExpectAsync(renewed, HttpStatusCode.Unauthorized, "MalformedJWT", "");
        }

        using var http = RealtimeClient.Http(_app.Url, token);
        using var response = await http.PostAsync("/realtime/v1/negotiate", null);
        await ExpectAsync(response, HttpStatusCode.Unauthorized, "MalformedJWT", "");
    }

    [Fact]
    public async Task A_message_is_written_as_it_is_to_be_read()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        var subscriptions = new[] { new { table = "tâche <'1'>" } };
        using (var alone = await client.PostAsync("join", new { topic = "room", config = new { postgres_changes = subscriptions } }))
        {
            (await alone.Content.ReadAsStringAsync()).Should().Contain("'tâche <'1'>'").And.NotContain("\\u");
        }

        using (var several = await client.PostAsync("join", new { channels = new[] { new { topic = "room", config = new { postgres_changes = subscriptions } } } }))
        {
            (await several.Content.ReadAsStringAsync()).Should().Contain("'tâche <'1'>'").And.NotContain("\\u");
        }

        using var sent = await client.PostAsync("broadcast", new { messages = new[] { new { topic = "" } } });
        (await sent.Content.ReadAsStringAsync()).Should().Contain("Give 'topic' a name").And.NotContain("\\u");
    }

    [Fact]
    public async Task A_good_key_does_not_help_a_bad_bearer_token()
    {
        using var http = RealtimeClient.Http(_app.Url);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.For("anon", lifetime: TimeSpan.FromSeconds(-10)));
        using var response = await http.PostAsync("/realtime/v1/negotiate", null);
        await ExpectAsync(response, HttpStatusCode.Unauthorized, "TokenExpired", "");
    }

    [Fact]
    public async Task A_role_that_does_not_exist_is_named()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url, Tokens.For("nobody_here"));
        using var response = await client.PostAsync("join", new { topic = "room", config = new { postgres_changes = new[] { new { table = "things" } } } });
        await ExpectAsync(response, HttpStatusCode.Forbidden, "UnknownRole", "'nobody_here'");
    }

    [Fact]
    public async Task Without_a_session_token_or_a_connection_nothing_is_joined()
    {
        using var http = RealtimeClient.Http(_app.Url);
        using (var response = await http.PostAsJsonAsync("/realtime/v1/channels/join", new { topic = "room" }))
        {
            await ExpectAsync(response, HttpStatusCode.Unauthorized, "InvalidSession", "x-realtime-session");
        }

        using var negotiated = await http.PostAsync("/realtime/v1/negotiate", null);
        var session = (await negotiated.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("sessionToken").GetString();
        http.DefaultRequestHeaders.Add("x-realtime-session", session);
        using (var response = await http.PostAsJsonAsync("/realtime/v1/channels/join", new { topic = "room" }))
        {
            await ExpectAsync(response, HttpStatusCode.Conflict, "SessionNotConnected", "Connect");
        }
    }

    [Fact]
    public async Task Somebody_elses_session_is_refused_and_stays_theirs()
    {
        await using var ada = await RealtimeClient.ConnectAsync(_app.Url, Tokens.For("authenticated", "ada"));
        await ada.JoinAsync("room", new { table = "things" });

        using var thief = RealtimeClient.Http(_app.Url, Tokens.For("authenticated", "eve"));
        thief.DefaultRequestHeaders.Add("x-realtime-session", ada.Session);
        using var response = await thief.PostAsJsonAsync(
            "/realtime/v1/channels/join", new { topic = "room", config = new { postgres_changes = new[] { new { table = "things" } } } });
        await ExpectAsync(response, HttpStatusCode.Forbidden, "SessionMismatch", "another user");
        await ExpectAliveAsync(ada);
    }

    [Theory]
    [InlineData("/changes")]
    [InlineData("/Changes")]
    [InlineData("/CHANGES/")]
    [InlineData("//changes")]
    [InlineData("/%63hanges")]
    [InlineData("/realtime/v1/../../changes")]
    [InlineData("/realtime/v1/%2e%2e/%2e%2e/changes")]
    [InlineData("/changes?x=1")]
    [InlineData("/admin/functions/changes")]
    [InlineData("/runtime/webhooks/eventhubs")]
    public async Task Changes_cannot_be_posted_from_outside(string path)
    {
        // Written out by hand: an HTTP client would tidy the path before it is sent.
        const string Body = """{"Data":{"events":"[]"},"Metadata":{}}""";
        using var socket = new TcpClient();
        await socket.ConnectAsync(_app.Url.Host, _app.Url.Port);
        var request = $"POST {path} HTTP/1.1\r\nHost: {_app.Url.Authority}\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\nConnection: close\r\n\r\n{Body}";
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(socket.GetStream());
        (await reader.ReadLineAsync())!.Should().StartWith("HTTP/1.1 404");
    }

    [Theory]
    [InlineData("HTTP/1.0", "")]
    [InlineData("HTTP/1.1", "Host: a:99999\r\n")]
    [InlineData("HTTP/1.1", "Host: a..b\r\n")]
    [InlineData("HTTP/1.1", "Host: xn--\r\n")]
    public async Task A_host_of_which_no_address_can_be_made_is_the_callers_to_mend(string version, string host)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(_app.Url.Host, _app.Url.Port);
        var request = $"POST /realtime/v1/negotiate {version}\r\n{host}apikey: {Tokens.For("anon")}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(socket.GetStream());
        (await reader.ReadToEndAsync())!.Should().StartWith("HTTP/1.1 400").And.Contain("\"InvalidHost\"").And.Contain("Realtime__PublicUrl");
    }

    [Fact]
    public async Task In_a_call_for_several_channels_one_failure_is_its_own()
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        using var response = await client.PostAsync("join", new
        {
            channels = new object?[]
            {
                new { topic = "a", config = new { postgres_changes = new[] { new { table = "things" } } } },
                new { topic = "b", config = new { postgres_changes = new[] { new { table = "nothing" } } } },
                new { topic = "" },
                null,
                new { topic = "c" },
            },
        });

        response.StatusCode.Should().Be(HttpStatusCode.OK);
        var channels = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels").EnumerateArray().ToList();
        channels.Select(channel => channel.GetProperty("status").GetString()).Should().Equal("ok", "error", "error", "error", "ok");
        channels[1].GetProperty("code").GetString().Should().Be("UnknownTable");
        channels[1].GetProperty("statusCode").GetInt32().Should().Be(400);
    }

    [Theory]
    [InlineData("things\0", "InvalidTable")]
    [InlineData("\0", "InvalidTable")]
    public async Task A_name_that_PostgreSQL_cannot_hold_costs_the_other_channels_nothing(string table, string code)
    {
        await using var client = await RealtimeClient.ConnectAsync(_app.Url);
        using var response = await client.PostAsync("join", new
        {
            channels = new[]
            {
                new { topic = "before", config = new { postgres_changes = new[] { new { table = "things" } } } },
                new { topic = "bad", config = new { postgres_changes = new[] { new { table } } } },
                new { topic = "after", config = new { postgres_changes = new[] { new { table = "guarded" } } } },
            },
        });

        var channels = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("channels").EnumerateArray().ToList();
        channels.Select(channel => channel.GetProperty("status").GetString()).Should().Equal("ok", "error", "ok");
        channels[1].GetProperty("code").GetString().Should().Be(code);
        var things = channels[0].GetProperty("postgres_changes")[0].GetProperty("id").GetInt64();
        await _app.Database.ExecuteAsync($"insert into things (id) values ({_app.NextId()})");
        (await client.ChangesAsync(things, 1)).Should().NotBeEmpty();
    }

    private static async Task ExpectAsync(HttpResponseMessage response, HttpStatusCode status, string code, string said)
    {
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.Should().Be(status, "the answer was {0}", text);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/json");
        var body = JsonDocument.Parse(text).RootElement;
        body.GetProperty("code").GetString().Should().Be(code);
        body.GetProperty("message").GetString().Should().Contain(said.Length > 0 ? said : ".", "it is for a developer");
    }

    private async Task ExpectAliveAsync(RealtimeClient client)
    {
        var ids = await client.JoinAsync("alive", new { @event = "INSERT", table = "things" });
        var id = _app.NextId();
        await _app.Database.ExecuteAsync($"insert into things (id) values ({id})");
        while ((await client.ChangesAsync(ids[0], 1))[0].GetProperty("record").GetProperty("id").GetInt32() != id)
        {
            // Rows of other tests come too.
        }
    }

    public sealed class App : IAsyncLifetime
    {
        private RealtimeTestApp _app = null!;
        private int _lastId;

        public TestDatabase Database { get; private set; } = null!;

        public Uri Url => _app.Url;

        public LogRecorder Logs => _app.Logs;

        public int NextId() => Interlocked.Increment(ref _lastId);

        public async Task InitializeAsync()
        {
            Database = await TestDatabase.CreateAsync();
            _app = await RealtimeTestApp.StartAsync(Database, "--Logging:LogLevel:Default=Trace", "--Logging:Console:LogLevel:Default=None");
            await Database.ExecuteAsync(
                """
                create table things (id int primary key, span interval, twice int generated always as (id * 2) stored);
                create table hidden (id int primary key);
                create table guarded (id int primary key);
                alter table guarded enable row level security;
                create table secret (id int primary key);
                grant select on things, hidden, guarded to anon, authenticated;
                select serverless_realtime.enable('things'), serverless_realtime.enable('guarded'), serverless_realtime.enable('secret');
                """);
        }

        public async Task DisposeAsync()
        {
            await _app.DisposeAsync();
            await Database.DisposeAsync();

            // After all the tests of the class: none of the tokens that were sent, good or bad, is in the log, at any level.
            Logs.Entries.Should().NotBeEmpty().And.NotContain(entry =>
                entry.Text.Contains("eyJ", StringComparison.Ordinal) || entry.Text.Contains(Tokens.Secret, StringComparison.Ordinal));
        }
    }
}
