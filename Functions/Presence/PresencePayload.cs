using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Serverless.Calls;

namespace Serverless.Presence;

/// <summary>What a client tells of itself while it is present: a JSON object, kept as it was written but for the blanks between its parts.</summary>
internal static class PresencePayload
{
    /// <summary>How deep it may be nested. The JSON readers of most languages stop at 64, and it travels six levels deep in a message.</summary>
    public const int MaxDepth = 50;

    /// <summary>Members that the service adds, so that what a client says in their place does not count.</summary>
    private static readonly string[] _ours = ["phx_ref", "phx_ref_prev"];

    /// <returns>Why it is refused; null where <paramref name="text"/> is what to keep of it.</returns>
    public static ErrorAnswer? Read(JsonElement? payload, int mostBytes, out string text)
    {
        text = "";
        if (payload is not { ValueKind: JsonValueKind.Object } json)
        {
            var found = payload is { } other ? $"of the kind '{other.ValueKind.ToString().ToLowerInvariant()}'" : "missing or null";
            return Invalid($"The payload of presence is {found}; send a JSON object.");
        }

        // One text that is not UTF-8 would have the database refuse everybody's changes that go with it.
        if (!Utf8.IsValid(JsonMarshal.GetRawUtf8Value(json)))
        {
            return Invalid("The payload of presence is not UTF-8.");
        }

        var output = new ArrayBufferWriter<byte>();
        if (WriteObject(output, json, 1) is { } refusal)
        {
            return refusal;
        }

        if (output.WrittenCount > mostBytes)
        {
            return new ErrorAnswer(
                StatusCodes.Status413PayloadTooLarge,
                "PayloadTooLarge",
                $"The payload of presence is {output.WrittenCount} bytes of JSON; at most {mostBytes} are accepted (Presence:MetaBytes). Tell less of the member.");
        }

        text = Encoding.UTF8.GetString(output.WrittenSpan);
        return null;
    }

    private static ErrorAnswer? WriteObject(ArrayBufferWriter<byte> output, JsonElement json, int depth)
    {
        if (depth > MaxDepth)
        {
            return TooDeep();
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        var separator = "{"u8;
        foreach (var member in json.EnumerateObject())
        {
            if (TryDecode(() => member.Name) is not { } name)
            {
                return NotUnicode();
            }

            if (!names.Add(name))
            {
                return Invalid("The payload of presence has two members of one name in one object.");
            }

            if (depth == 1 && _ours.Contains(name))
            {
                continue;
            }

            output.Write(separator);
            separator = ","u8;
            output.Write("\""u8);
            output.Write(JsonMarshal.GetRawUtf8PropertyName(member));
            output.Write("\":"u8);
            if (WriteValue(output, member.Value, depth) is { } refusal)
            {
                return refusal;
            }
        }

        output.Write(separator[0] == (byte)'{' ? "{}"u8 : "}"u8);
        return null;
    }

    private static ErrorAnswer? WriteArray(ArrayBufferWriter<byte> output, JsonElement json, int depth)
    {
        if (depth > MaxDepth)
        {
            return TooDeep();
        }

        var separator = "["u8;
        foreach (var element in json.EnumerateArray())
        {
            output.Write(separator);
            separator = ","u8;
            if (WriteValue(output, element, depth) is { } refusal)
            {
                return refusal;
            }
        }

        output.Write(separator[0] == (byte)'[' ? "[]"u8 : "]"u8);
        return null;
    }

    private static ErrorAnswer? WriteValue(ArrayBufferWriter<byte> output, JsonElement json, int depth)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                return WriteObject(output, json, depth + 1);
            case JsonValueKind.Array:
                return WriteArray(output, json, depth + 1);
            case JsonValueKind.String when TryDecode(json.GetString) is null:
                return NotUnicode();
            default:
                output.Write(JsonMarshal.GetRawUtf8Value(json));
                return null;
        }
    }

    // Half of a surrogate pair can be written in JSON by its number, and readers that take only Unicode would fail on the message of which it is a part.
    private static string? TryDecode(Func<string?> decode)
    {
        try
        {
            return decode();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static ErrorAnswer NotUnicode() => Invalid("The payload of presence holds text with half of a surrogate pair, which is not Unicode.");

    private static ErrorAnswer TooDeep() => Invalid($"The payload of presence is nested more than {MaxDepth} deep.");

    private static ErrorAnswer Invalid(string message) => ErrorAnswer.BadRequest("InvalidPresence", message);
}
