using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Serverless.Auth;

namespace Serverless.Subscriptions;

/// <summary>
/// A token's claims as policies may read them, in a form that two tokens of one session share: members in order, without the token's own times. Renewing a
/// token must not make another subscriber of the same user.
/// </summary>
/// <param name="Key">SHA-256 of the text.</param>
internal sealed record ClaimSet(byte[] Key, string Text)
{
    private static readonly string[] _times = ["exp", "iat", "nbf"];

    public string HexKey => Convert.ToHexStringLower(Key);

    public static ClaimSet Of(Caller caller)
    {
        var output = new ArrayBufferWriter<byte>(caller.Claims.Length);
        using (var document = JsonDocument.Parse(caller.Claims))
        using (var writer = new Utf8JsonWriter(output))
        {
            WriteObject(writer, document.RootElement.EnumerateObject().Where(claim => !_times.Contains(claim.Name)));
        }

        return new ClaimSet(SHA256.HashData(output.WrittenSpan), System.Text.Encoding.UTF8.GetString(output.WrittenSpan));
    }

    // A record prints its members, and claims are personal data.
    public override string ToString() => nameof(ClaimSet);

    private static void WriteObject(Utf8JsonWriter writer, IEnumerable<JsonProperty> members)
    {
        writer.WriteStartObject();
        foreach (var member in members.OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            writer.WritePropertyName(member.Name);
            WriteValue(writer, member.Value);
        }

        writer.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(writer, value.EnumerateObject());
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var element in value.EnumerateArray())
                {
                    WriteValue(writer, element);
                }

                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
