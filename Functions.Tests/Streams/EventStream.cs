using System.Globalization;
using System.Net;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Streams;

/// <param name="Id">The last id that was told before or with it.</param>
internal sealed record StreamEvent(string Name, string? Id, string? Data)
{
    public JsonElement Json => JsonDocument.Parse(Data!).RootElement;

    public int RowId => (Json.TryGetProperty("record", out var record) ? record : Json.GetProperty("old_record")).GetProperty("id").GetInt32();
}

/// <summary>Reads a stream as the HTML Standard has a browser read it, and shows besides what a browser keeps to itself: comments, and events without data.</summary>
internal sealed class EventStream : IDisposable
{
    public const string Comment = "(comment)";
    public const string Place = "(place)";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly StreamReader _lines;

    private EventStream(HttpClient http, HttpResponseMessage response, StreamReader lines) => (_http, Response, _lines) = (http, response, lines);

    public HttpResponseMessage Response { get; }

    /// <summary>What a browser would send as <c>Last-Event-ID</c> when it connects again.</summary>
    public string? LastId { get; private set; }

    public static async Task<HttpResponseMessage> GetAsync(HttpClient http, string query, string? lastId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/realtime/v1/stream?" + query);
        if (lastId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastId);
        }

        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Opens a stream and reads up to its first id.</summary>
    public static async Task<EventStream> OpenAsync(Uri url, string query, string? lastId = null)
    {
        var http = new HttpClient { BaseAddress = url };
        var response = await GetAsync(http, query + "&apikey=" + Tokens.For("anon"), lastId);
        response.StatusCode.Should().Be(HttpStatusCode.OK, "it was answered {0}", response.IsSuccessStatusCode ? "" : await response.Content.ReadAsStringAsync());
        var stream = new EventStream(http, response, new StreamReader(await response.Content.ReadAsStreamAsync()));
        (await stream.NextAsync())!.Name.Should().Be(Place);
        return stream;
    }

    /// <summary>The next event, comment or place; null at the end of the stream.</summary>
    public async Task<StreamEvent?> NextAsync()
    {
        using var limit = new CancellationTokenSource(_limit);
        var (name, isComment) = ("message", false);
        string? data = null;
        while (await _lines.ReadLineAsync(limit.Token) is { } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            switch (colon < 0 ? line : line[..colon])
            {
                case "" when line.Length > 0:
                    isComment = true;
                    break;
                case "":
                    return new StreamEvent(data is not null ? name : isComment ? Comment : Place, LastId, data);
                case "event":
                    name = ValueOf(line, colon);
                    break;
                case "id":
                    LastId = ValueOf(line, colon);
                    break;
                case "data":
                    data = data is null ? ValueOf(line, colon) : data + "\n" + ValueOf(line, colon);
                    break;
                case "retry":
                    int.Parse(ValueOf(line, colon), CultureInfo.InvariantCulture).Should().BePositive();
                    break;
                default:
                    throw new FormatException($"'{line}' is no line of an event stream.");
            }
        }

        return null;
    }

    /// <summary>The next event of a name, whatever comes before it.</summary>
    public async Task<StreamEvent> NextAsync(string name)
    {
        while (await NextAsync() is { } next)
        {
            if (next.Name == name)
            {
                return next;
            }
        }

        throw new EndOfStreamException($"The stream ended before an event '{name}'.");
    }

    /// <summary>The rows of the next changes.</summary>
    public async Task<IReadOnlyList<int>> RowsAsync(int count)
    {
        var rows = new List<int>(count);
        while (rows.Count < count)
        {
            rows.Add((await NextAsync("message")).RowId);
        }

        return rows;
    }

    public void Dispose()
    {
        _lines.Dispose();
        Response.Dispose();
        _http.Dispose();
    }

    private static string ValueOf(string line, int colon) => line.Length > colon + 1 && line[colon + 1] == ' ' ? line[(colon + 2)..] : line[(colon + 1)..];
}
