using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Serverless.Support;

/// <summary>
/// A storage account as an <c>AzureWebJobsStorage</c> connection string names it, and the Shared Key signature of a request without a body
/// (learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key).
/// </summary>
internal sealed record StorageAccount(string Name, byte[] Key, Uri Blobs)
{
    // The emulator's account and key are the same everywhere and documented; they open nothing but an emulator.
    private static readonly StorageAccount _development = new(
        "devstoreaccount1",
        Convert.FromBase64String("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="),
        new Uri("http://127.0.0.1:10000/devstoreaccount1"));

    /// <param name="port">Where the emulator listens instead of its usual port.</param>
    public static StorageAccount Parse(string connectionString, int port) =>
        connectionString.TrimEnd(';') == "UseDevelopmentStorage=true"
            ? _development with { Blobs = new UriBuilder(_development.Blobs) { Port = port }.Uri }
            : throw new FormatException("The connection string is not the emulator's; on a laptop it is 'UseDevelopmentStorage=true'.");

    public HttpRequestMessage Sign(HttpMethod method, string path, SortedDictionary<string, string> query, DateTimeOffset now)
    {
        var uri = new Uri($"{Blobs}/{path}?{string.Join('&', query.Select(pair => $"{pair.Key}={pair.Value}"))}");
        var headers = $"x-ms-date:{now.ToString("R", CultureInfo.InvariantCulture)}\nx-ms-version:2021-12-02\n";
        var resource = $"/{Name}{uri.AbsolutePath}{string.Concat(query.Select(pair => $"\n{pair.Key}:{pair.Value}"))}";
        var text = $"{method}{new string('\n', 12)}{headers}{resource}";
        var request = new HttpRequestMessage(method, uri);
        request.Headers.Add("x-ms-date", now.ToString("R", CultureInfo.InvariantCulture));
        request.Headers.Add("x-ms-version", "2021-12-02");
        request.Headers.TryAddWithoutValidation("Authorization", $"SharedKey {Name}:{Convert.ToBase64String(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(text)))}");
        return request;
    }
}
