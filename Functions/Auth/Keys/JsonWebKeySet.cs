using System.Text.Json;

namespace Serverless.Auth.Keys;

/// <summary>A JWK set (RFC 7517 section 5): the keys that can be used, and what is wrong with the others.</summary>
/// <remarks>A key that cannot be used is left out and spoils nothing, as section 5 asks; text that is not strictly a set is no set at all.</remarks>
internal sealed class JsonWebKeySet
{
    public const int MaxBytes = 64 * 1024;

    private const int MaxKeys = 50;

    private JsonWebKeySet(IReadOnlyList<VerificationKey> keys, IReadOnlyList<string> unusable)
    {
        Keys = keys;
        Unusable = unusable;
    }

    public IReadOnlyList<VerificationKey> Keys { get; }

    /// <summary>For each key that is left out, which one it is and why.</summary>
    public IReadOnlyList<string> Unusable { get; }

    /// <returns>The set, or null with the reason.</returns>
    public static JsonWebKeySet? Read(ReadOnlyMemory<byte> json, out string reason)
    {
        if (json.Length > MaxBytes)
        {
            reason = $"it is larger than {MaxBytes} bytes";
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json, StrictJson.Options);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("keys"u8, out var keys) || keys.ValueKind != JsonValueKind.Array)
            {
                reason = "it is no JSON object with an array 'keys'";
                return null;
            }

            reason = $"it has {keys.GetArrayLength()} keys; at most {MaxKeys} are accepted";
            return keys.GetArrayLength() > MaxKeys ? null : ReadKeys(keys);
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException)
        {
            reason = "it is no JSON, names a member twice, or is nested too deeply";
            return null;
        }
    }

    /// <summary>The one key that fits: of the algorithm, and of the name where the token names one.</summary>
    /// <remarks>Nothing is tried out: several keys that fit are as good as none.</remarks>
    public KeyChoice Choose(string algorithm, string? keyId)
    {
        var named = Keys.Where(key => keyId is null || key.Id == keyId).ToList();
        return named.FindAll(key => key.Algorithm == algorithm) switch
        {
            [var key] => KeyChoice.Of(key),
            [] when keyId is null || named.Count == 0 => KeyChoice.None(TokenError.UnknownKey),
            _ => KeyChoice.None(TokenError.UnfitKey),
        };
    }

    private static JsonWebKeySet ReadKeys(JsonElement array)
    {
        var read = array.EnumerateArray().Select((jwk, index) => (Number: index + 1, Key: JsonWebKey.Read(jwk, out var reason), Reason: reason)).ToList();

        // A name that two keys share chooses neither. RFC 7517 section 4.5 allows it for keys of different types.
        var shared = read.Where(entry => entry.Key is not null).GroupBy(entry => (entry.Key!.Id, entry.Key.Algorithm))
            .Where(group => group.Count() > 1).SelectMany(group => group.Select(entry => entry.Number)).ToHashSet();
        return new JsonWebKeySet(
            [.. read.Where(entry => entry.Key is not null && !shared.Contains(entry.Number)).Select(entry => entry.Key!)],
            [
                .. from entry in read
                   where entry.Key is null || shared.Contains(entry.Number)
                   select $"key {entry.Number}: {(entry.Key is null ? entry.Reason : "another key of the set has the same 'kid', or both have none")}",
            ]);
    }
}
