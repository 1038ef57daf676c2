using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions;

/// <summary>What the members of a group have in common: everything that decides which bytes they receive.</summary>
internal sealed record GroupDefinition
{
    public const string Any = "*";

    /// <summary><c>*</c> for every schema.</summary>
    public required string Schema { get; init; }

    /// <summary><c>*</c> for every published table of the schema.</summary>
    public required string Table { get; init; }

    public required SubscriptionEvent Event { get; init; }

    /// <summary>The role whose rights on the table count.</summary>
    public required string Role { get; init; }

    /// <summary>The filter as <see cref="FilterNode"/> writes it; null for all rows.</summary>
    public string? Filter { get; init; }

    /// <summary>The columns that the filter reads, each with its type and collation when the filter was made: see <see cref="FilterColumn.Signature"/>.</summary>
    public IReadOnlyList<string>? FilterTypes { get; init; }

    /// <summary>The chosen columns in ascending order; null for all.</summary>
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>Whether rows that leave the subscriber's sight are told as a DELETE of their key.</summary>
    public bool Leave { get; init; }

    /// <summary>
    /// The digest of the members' claims, in hexadecimal. Null where no policy that applies can tell two members apart: then they share the group
    /// whatever their claims, until such a policy comes and the group is split.
    /// </summary>
    public string? ClaimsKey { get; init; }

    /// <summary>The number of the group that this one was split from; its members go on under it.</summary>
    public long? SplitFrom { get; init; }

    /// <summary>The definition as text, the same for the same group in every process.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, GroupDefinitionJson.Default.GroupDefinition);

    public static GroupDefinition FromJson(string json) =>
        JsonSerializer.Deserialize(json, GroupDefinitionJson.Default.GroupDefinition)
        ?? throw new FormatException("serverless_realtime.subscription_group holds a definition that is null.");

    public static byte[] KeyOf(string json) => SHA256.HashData(Encoding.UTF8.GetBytes(json));
}

// A member that this version does not know may narrow what the group receives: better no group than a wider one.
[JsonSourceGenerationOptions(
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(GroupDefinition))]
internal sealed partial class GroupDefinitionJson : JsonSerializerContext;
