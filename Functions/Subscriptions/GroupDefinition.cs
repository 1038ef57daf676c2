using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions;

/// <summary>What the members of a group have in common: everything that decides which bytes they receive.</summary>
/// <param name="Table"><c>*</c> for every published table of the schema.</param>
/// <param name="Role">The role whose rights on the table count.</param>
internal sealed record GroupDefinition(
    string Schema,
    string Table,
    SubscriptionEvent Event,
    string Role,
    IReadOnlyList<EqualCondition> Conditions)
{
    public const string AnyTable = "*";

    /// <summary>The definition as text, the same for the same group in every process.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, GroupDefinitionJson.Default.GroupDefinition);

    public static GroupDefinition FromJson(string json) =>
        JsonSerializer.Deserialize(json, GroupDefinitionJson.Default.GroupDefinition)
        ?? throw new FormatException("serverless_realtime.subscription_group holds a definition that is null.");

    public static byte[] KeyOf(string json) => SHA256.HashData(Encoding.UTF8.GetBytes(json));
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(GroupDefinition))]
internal sealed partial class GroupDefinitionJson : JsonSerializerContext;
