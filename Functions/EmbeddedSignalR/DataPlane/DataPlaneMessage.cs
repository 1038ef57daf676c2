using System.Buffers;
using System.Text.Json;
using Microsoft.Net.Http.Headers;
using Serverless.Delivery;

namespace Serverless.EmbeddedSignalR.DataPlane;

/// <summary>Reads the body of a send: <c>{"target":"x","arguments":[...]}</c>. The arguments are checked to be JSON and passed on as they came.</summary>
internal static class DataPlaneMessage
{
    // The arguments stand one level deeper in a body than by themselves.
    private static readonly JsonReaderOptions _readerOptions = new() { MaxDepth = DeliveryLimits.MaxDepth + 1 };

    private static readonly DataPlaneError _tooLarge =
        new(StatusCodes.Status413PayloadTooLarge, "PayloadTooLarge", $"A body may have {DeliveryLimits.MaxBodyBytes} bytes.");

    private static readonly DataPlaneError _wrongType = new(
        StatusCodes.Status415UnsupportedMediaType, "UnsupportedMediaType", "The body must be application/json; this look-alike does not read MessagePack.");

    public static async Task<(OutgoingMessage? Message, DataPlaneError? Error)> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
        {
            return (null, _wrongType);
        }

        if (request.ContentLength > DeliveryLimits.MaxBodyBytes)
        {
            return (null, _tooLarge);
        }

        var body = await ReadBodyAsync(request, cancellationToken);
        return body is null ? (null, _tooLarge) : Parse(body);
    }

    private static async Task<byte[]?> ReadBodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            if (read.IsCompleted || read.Buffer.Length > DeliveryLimits.MaxBodyBytes)
            {
                var body = read.Buffer.Length > DeliveryLimits.MaxBodyBytes ? null : read.Buffer.ToArray();

                // A read that is left open makes the server give up the connection.
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return body;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static (OutgoingMessage? Message, DataPlaneError? Error) Parse(byte[] body)
    {
        try
        {
            return Read(body);
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException)
        {
            return (null, DataPlaneError.Invalid("message", "The body is not JSON of the form {\"target\":\"name\",\"arguments\":[...]}."));
        }
    }

    private static (OutgoingMessage? Message, DataPlaneError? Error) Read(byte[] body)
    {
        var reader = new Utf8JsonReader(body, _readerOptions);
        string? target = null;
        ReadOnlySpan<byte> arguments = "[]"u8;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return (null, DataPlaneError.Invalid("message", "The body must be a JSON object."));
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isTarget = reader.ValueTextEquals("target"u8);
            var isArguments = reader.ValueTextEquals("arguments"u8);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (isArguments && reader.TokenType != JsonTokenType.StartArray)
            {
                return (null, DataPlaneError.Invalid("arguments", "The member 'arguments' must be an array."));
            }

            target = isTarget ? reader.GetString() : target;
            reader.Skip();
            arguments = isArguments ? body.AsSpan(start, (int)reader.BytesConsumed - start) : arguments;
        }

        // Whatever follows the object is an error that only reading on reveals.
        reader.Read();
        return string.IsNullOrEmpty(target)
            ? (null, DataPlaneError.Invalid("target", "The member 'target' must be the name of a client's method."))
            : (OutgoingMessage.Invocation(target, arguments), null);
    }
}
