using System.Text.Json;

namespace Serverless.Delivery;

/// <summary>What a SignalR service accepts, enforced alike by every implementation.</summary>
internal static class DeliveryLimits
{
    private static readonly JsonReaderOptions _readerOptions = new() { MaxDepth = MaxDepth };

    /// <summary>Azure SignalR's bound on a REST body: 1 MB.</summary>
    public const int MaxBodyBytes = 1_048_576;

    /// <summary>
    /// What is left of a body for the arguments: below 1,000,000 in case the service counts a decimal megabyte, with room for the
    /// target and the braces around it.
    /// </summary>
    public const int MaxArgumentsBytes = 960 * 1024;

    /// <summary>How deep arguments may be nested. A json column may be some thousands of levels deep; the JSON readers' own limit is 64.</summary>
    public const int MaxDepth = 30_000;

    /// <summary>The data plane takes groups and users of 1 to 1024 characters.</summary>
    public const int MaxNameLength = 1024;

    /// <summary>Refuses a group or user that the data plane cannot address.</summary>
    /// <remarks><c>.</c> and <c>..</c> cannot be written as a path segment: every HTTP library takes them for steps up the path, escaped or not.</remarks>
    public static void RequireName(string what, string name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > MaxNameLength || name is "." or "..")
        {
            throw new DeliveryException(
                DeliveryError.Rejected,
                $"A {what} has 1 to {MaxNameLength} characters, is not blank, and is not '.' or '..'; this one has {name.Length}. Use another name.");
        }
    }

    /// <summary>Refuses arguments that are too large or are not one JSON array. A service would refuse them too; here nothing is lost on the way.</summary>
    public static void RequireArguments(ReadOnlyMemory<byte> argumentsJson)
    {
        if (argumentsJson.Length > MaxArgumentsBytes)
        {
            throw new DeliveryException(
                DeliveryError.Rejected,
                $"The message's arguments are {argumentsJson.Length} bytes of JSON; a SignalR message may carry {MaxArgumentsBytes}. Split it.");
        }

        if (!IsArray(argumentsJson.Span))
        {
            throw new DeliveryException(DeliveryError.Rejected, $"The message's arguments are not a JSON array nested at most {MaxDepth} deep. Write one, in UTF-8.");
        }
    }

    private static bool IsArray(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, _readerOptions);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            {
                return false;
            }

            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
