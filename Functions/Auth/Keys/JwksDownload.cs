using System.Net;
using Microsoft.Extensions.Options;

namespace Serverless.Auth.Keys;

/// <summary>Fetches the key set from its address: one GET, bounded in time and size, and never to another address.</summary>
/// <remarks>
/// A redirect is refused because it would let whoever can answer one request at the address, or in its place, choose where keys come from and what this process calls.
/// No compression is asked for, so 64 KiB on the wire are 64 KiB here.
/// </remarks>
internal sealed class JwksDownload(IHttpClientFactory clients, IOptions<TokenKeyOptions> options, TimeProvider time)
{
    /// <summary>The name of the HTTP client.</summary>
    public const string Client = "jwks";

    private readonly Uri _url = new(options.Value.JwksUrl!);

    /// <summary>The address as it may be logged: without its query, which may hold a key of some kind.</summary>
    public string Address => _url.GetLeftPart(UriPartial.Path);

    /// <exception cref="JwksException">The address did not give a key set.</exception>
    public async Task<JsonWebKeySet> FetchAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.Value.JwksTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var body = await GetAsync(either.Token);
            return JsonWebKeySet.Read(body, out var reason) ?? throw new JwksException($"The answer is not a JWK set: {reason}.");
        }
        catch (OperationCanceledException ex) when (!cancellationToken.IsCancellationRequested)
        {
            throw new JwksException($"There was no whole answer within {options.Value.JwksTimeout.TotalSeconds} s.", ex);
        }
        catch (Exception ex) when (ex is HttpRequestException or IOException)
        {
            throw new JwksException("The address cannot be reached, or the answer broke off.", ex);
        }
    }

    private async Task<ReadOnlyMemory<byte>> GetAsync(CancellationToken cancellationToken)
    {
        using var client = clients.CreateClient(Client);
        using var request = new HttpRequestMessage(HttpMethod.Get, _url);
        request.Headers.Accept.ParseAdd("application/jwk-set+json, application/json");
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.OK => await ReadAsync(response.Content, cancellationToken),
            >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest =>
                throw new JwksException($"The answer is a redirect ({(int)response.StatusCode}), which is not followed. Give the final address."),
            var status => throw new JwksException($"The answer has status {(int)status}; 200 was expected."),
        };
    }

    // One byte more than is accepted, so that what is too large is seen to be.
    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        var buffer = new byte[JsonWebKeySet.MaxBytes + 1];
        await using var body = await content.ReadAsStreamAsync(cancellationToken);
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return buffer.AsMemory(0, length);
    }
}
