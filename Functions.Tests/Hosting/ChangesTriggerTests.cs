using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Serverless.Support;

namespace Serverless.Hosting;

public sealed class ChangesTriggerTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task The_hosts_envelope_reaches_the_change_function_in_order()
    {
        await using var app = await HostedApp.StartAsync();

        using var answer = await PostAsync(app.Client, Envelope("3", ATodo.Inserted(1, "first"), ATodo.Inserted(2, "sec\"ond"), ATodo.Inserted(3, "third")));

        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        var (partition, batches) = app.Sink.Calls.Should().ContainSingle().Subject;
        partition.Should().Be("3");
        batches.Select(ATodo.Title).Should().Equal("first", "sec\"ond", "third");
        app.Logs.Entries.Should().BeEmpty();
    }

    [Fact]
    public async Task The_answer_is_the_json_object_the_host_waits_for()
    {
        await using var app = await HostedApp.StartAsync();

        using var answer = await PostAsync(app.Client, Envelope("0", ATodo.Inserted(1, "one")));

        answer.Content.Headers.ContentType!.MediaType.Should().Be("application/json");
        var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync());
        JsonNode.DeepEquals(body, JsonNode.Parse("""{"Outputs":{},"Logs":[],"ReturnValue":null}""")).Should().BeTrue();
    }

    [Fact]
    public async Task An_unreadable_event_is_named_and_does_not_stop_the_others()
    {
        await using var app = await HostedApp.StartAsync();

        using var answer = await PostAsync(app.Client, TriggerEnvelopes.OfEvents("3",
            TriggerEnvelopes.Event(ATodo.Inserted(1, "before")), """{"v":1,"secret":"s3cret"}""", TriggerEnvelopes.Event(ATodo.Inserted(2, "after"))));

        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        app.Sink.Calls.Single().Batches.Select(ATodo.Title).Should().Equal("before", "after");
        var (id, message) = app.Logs.Entries.Should().ContainSingle().Subject;
        id.Should().Be(6101);
        message.Should().StartWith("Event 42 of partition '3' was skipped").And.NotContain("s3cret");
    }

    [Fact]
    public async Task When_no_event_can_be_read_the_partition_moves_on()
    {
        await using var app = await HostedApp.StartAsync();

        using var answer = await PostAsync(app.Client, TriggerEnvelopes.OfEvents("3", "{", "null"));

        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        app.Sink.Calls.Should().BeEmpty();
        app.Logs.Entries.Select(entry => entry.Id).Should().Equal(6101, 6101);
    }

    [Fact]
    public async Task A_failure_fails_the_invocation_so_that_the_host_tries_again()
    {
        await using var app = await HostedApp.StartAsync();
        app.Sink.Failure = new InvalidOperationException("Password=hunter2");

        using var answer = await PostAsync(app.Client, Envelope("0", ATodo.Inserted(1, "one")));

        answer.StatusCode.Should().Be(HttpStatusCode.InternalServerError);
        answer.Content.Headers.ContentType!.MediaType.Should().Be("application/json");
        (await answer.Content.ReadAsStringAsync()).Should().Contain("InvocationFailed").And.NotContain("hunter2");
        app.Logs.Entries.Select(entry => entry.Id).Should().Equal(9102);

        app.Sink.Failure = null;
        using var again = await PostAsync(app.Client, Envelope("0", ATodo.Inserted(1, "one")));
        again.StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task When_the_host_hangs_up_the_work_is_cancelled()
    {
        await using var app = await HostedApp.StartAsync();
        app.Sink.Hang = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var hangUp = new CancellationTokenSource();

        var call = PostAsync(app.Client, Envelope("0", ATodo.Inserted(1, "one")), cancellationToken: hangUp.Token);
        await app.Sink.Hang.Task.WaitAsync(_limit);
        await hangUp.CancelAsync();

        await app.Sink.Cancelled.Task.WaitAsync(_limit);
        await FluentActions.Awaiting(() => call).Should().ThrowAsync<OperationCanceledException>();
        app.Logs.Entries.Should().BeEmpty();
    }

    [Theory]
    [InlineData("not json", HttpStatusCode.BadRequest, "The body is not JSON: byte 1 of line 0 does not fit.")]
    [InlineData("", HttpStatusCode.BadRequest, "The body is not JSON: byte 0 of line 0 does not fit.")]
    [InlineData("{}", HttpStatusCode.BadRequest, "The body has no member Data.events. Name the binding 'events' in function.json.")]
    public async Task A_body_that_is_no_envelope_is_answered_with_what_is_wrong(string body, HttpStatusCode status, string message)
    {
        await using var app = await HostedApp.StartAsync();

        using var answer = await PostAsync(app.Client, body);

        answer.StatusCode.Should().Be(status);
        var error = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        ((string?)error["code"]).Should().Be("EnvelopeUnreadable");
        ((string?)error["message"]).Should().Be(message);
    }

    [Fact]
    public async Task A_body_over_the_bound_is_refused_while_it_is_read()
    {
        await using var app = await HostedApp.StartAsync();
        using var content = new StreamContent(new SpacesStream(TriggerEndpoint.MaxBodyBytes + 1));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/changes") { Content = content };
        request.Headers.TransferEncodingChunked = true;
        request.Headers.ExpectContinue = true;

        using var answer = await app.Client.SendAsync(request);

        answer.StatusCode.Should().Be(HttpStatusCode.RequestEntityTooLarge);
    }

    [Theory]
    [InlineData("text/plain", null, HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/json", "https://example.com", HttpStatusCode.NotFound)]
    [InlineData("application/json", "null", HttpStatusCode.NotFound)]
    public async Task A_web_page_on_the_same_machine_cannot_post_an_envelope(string type, string? origin, HttpStatusCode expected)
    {
        await using var app = await HostedApp.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/changes")
        {
            Content = new StringContent(Envelope("0", ATodo.Inserted(1, "one")), Encoding.UTF8, type),
        };
        if (origin is not null)
        {
            request.Headers.TryAddWithoutValidation("Origin", origin);
        }

        using var answer = await app.Client.SendAsync(request);

        answer.StatusCode.Should().Be(expected);
        app.Sink.Calls.Should().BeEmpty();
    }

    [Theory]
    [InlineData("/changes")]
    [InlineData("/Changes")]
    [InlineData("/changes/")]
    [InlineData("//changes")]
    [InlineData("/%63hanges")]
    [InlineData("/./changes")]
    public async Task Without_a_host_there_is_no_such_route(string path)
    {
        await using var app = await HostedApp.StartAsync(underFunctionsHost: false);

        using var answer = await PostAsync(app.Client, Envelope("0", ATodo.Inserted(1, "one")), path: path);

        answer.StatusCode.Should().Be(HttpStatusCode.NotFound);
        app.Sink.Calls.Should().BeEmpty();
    }

    [Fact]
    public async Task Under_a_host_another_port_of_the_process_does_not_have_it_either()
    {
        await using var app = await HostedApp.StartAsync();

        using var answer = await PostAsync(app.OtherPortClient, Envelope("0", ATodo.Inserted(1, "one")));

        answer.StatusCode.Should().Be(HttpStatusCode.NotFound);
        app.Sink.Calls.Should().BeEmpty();
    }

    [Fact]
    public async Task The_hosts_ping_is_answered_and_a_page_elsewhere_is_not_hidden()
    {
        await using var app = await HostedApp.StartAsync();

        (await app.Client.GetStringAsync("/")).Should().BeEmpty();
        (await app.OtherPortClient.GetStringAsync("/")).Should().Be("the page");
    }

    private static string Envelope(string partition, params Changes.ChangeBatch[] batches) =>
        TriggerEnvelopes.OfEvents(partition, [.. batches.Select(TriggerEnvelopes.Event)]);

    // Chunked and without a length, with the host's headers.
    private static async Task<HttpResponseMessage> PostAsync(
        HttpClient client, string body, string path = "/changes", CancellationToken cancellationToken = default)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, AsWritten(client, path)) { Content = content };
        request.Headers.TransferEncodingChunked = true;
        request.Headers.Add("X-Azure-Functions-InvocationId", "3f6d7a46-40b4-4b8f-9a06-0f6d4a0a5b0e");
        request.Headers.Add("X-Azure-Functions-HostVersion", "4.1045.100");
        return await client.SendAsync(request, cancellationToken);
    }

    private static Uri AsWritten(HttpClient client, string path) => new(
        client.BaseAddress!.GetLeftPart(UriPartial.Authority) + path,
        new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
}
