using System.Net.Http.Json;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Chaos;

/// <summary>A client's calls by HTTP: to one app, and to another when that one is gone.</summary>
internal sealed class Calls(IReadOnlyList<Uri> apps, int first, int owner, Random random)
{
    private static readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(20) };
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly string _token = Tokens.For("authenticated", Schema.Owner(owner), TimeSpan.FromHours(12));
    private int _app = first;

    /// <summary>The session token, once there is one.</summary>
    public string? Session { get; set; }

    /// <summary>Makes a call until it is answered, within a minute. An answer that will not change ends the session.</summary>
    public async Task<JsonElement> PostAsync(string route, object body, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var last = "";
        while (TimeProvider.System.GetElapsedTime(began) < _limit)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(apps[_app], $"/realtime/v1/{route}")) { Content = JsonContent.Create(body) };
                request.Headers.Add("apikey", _token);
                if (Session is not null)
                {
                    request.Headers.Add("x-realtime-session", Session);
                }

                using var response = await _http.SendAsync(request, cancellationToken);
                if (response.IsSuccessStatusCode)
                {
                    return await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
                }

                last = $"{response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}";
                if ((int)response.StatusCode is < 500 and not 429)
                {
                    throw new InvalidOperationException($"{route} was answered {last}");
                }
            }
            catch (Exception ex) when (ex is HttpRequestException or IOException || (ex is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                // Gone, or going.
                last = ex.GetType().Name;
            }

            _app = (_app + 1) % apps.Count;
            await Wait.ForAsync(0.2 + (random.NextDouble() * 0.5), cancellationToken);
        }

        throw new TimeoutException($"{route} was not answered within {_limit.TotalSeconds} seconds; the last answer was {last}");
    }
}
