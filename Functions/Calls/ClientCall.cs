using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Serverless.Auth;

namespace Serverless.Calls;

/// <summary>What a client's call brings: a caller, a session, a body.</summary>
internal sealed class ClientCall(CallerAuthentication authentication, SessionTokens sessions)
{
    public const string SessionHeader = "x-realtime-session";

    /// <summary>The largest body that is taken where a route does not say otherwise.</summary>
    public const int MaxBodyBytes = 256 * 1024;

    /// <summary>Beyond this the server does not even read on to give an answer.</summary>
    public const int MaxReadBytes = 16 * 1024 * 1024;

    public async ValueTask<Caller> RequireCallerAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var verdict = await authentication.AuthenticateAsync(request, cancellationToken);
        return verdict.Caller ?? throw new RefusedCallException(ErrorAnswer.For(verdict.Error));
    }

    public Guid RequireSession(HttpRequest request) =>
        sessions.TryRead(request.Headers[SessionHeader].ToString(), out var session)
            ? session
            : throw new RefusedCallException(new ErrorAnswer(
                StatusCodes.Status401Unauthorized,
                "InvalidSession",
                $"The header '{SessionHeader}' does not hold a session token that is still good. Send the 'sessionToken' that negotiate gave, or negotiate again."));

    public static async Task<T> ReadBodyAsync<T>(HttpRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken, int mostBytes = MaxBodyBytes)
    {
        var body = await ReadBytesAsync(request, mostBytes, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(body.Span, type) ?? throw Invalid("The body is null; send a JSON object.");
        }
        catch (JsonException ex)
        {
            // The path names members and array places only; the value that was met is not repeated.
            throw Invalid(ex.Path is { Length: > 0 } path && path != "$"
                ? $"The body is not what this call takes: wrong type or broken JSON at '{path}'."
                : "The body is not a JSON object.");
        }
    }

    /// <exception cref="RefusedCallException">The body is larger.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpRequest request, int mostBytes, CancellationToken cancellationToken)
    {
        var body = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            for (int read; (read = await request.Body.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                body.Write(buffer, 0, read);
                if (body.Length > mostBytes)
                {
                    // A client that is still sending when the connection closes sees a broken pipe and not the answer, so the rest is read and let go.
                    await request.Body.CopyToAsync(Stream.Null, cancellationToken);
                    throw new RefusedCallException(new ErrorAnswer(
                        StatusCodes.Status413PayloadTooLarge, "BodyTooLarge", $"The body is larger than {mostBytes} bytes. Put less into one call."));
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private static RefusedCallException Invalid(string message) => new(ErrorAnswer.BadRequest("InvalidBody", message + " See docs/protocol.md."));
}
