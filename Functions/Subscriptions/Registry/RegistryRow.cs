using Serverless.Database;

namespace Serverless.Subscriptions.Registry;

/// <summary>A subscription as the registry holds it.</summary>
/// <param name="Number">What clients know its group by.</param>
/// <param name="ExpiresAt">When the token ends that it was made with, in UTC.</param>
/// <param name="Definition">Its group's definition, as JSON.</param>
/// <param name="Claims">Its group's claims, as JSON; null where the group is not for one claim set.</param>
internal readonly record struct RegistryRow(
    long Id, long GroupId, long Number, bool HasLeft, DateTime ExpiresAt, string Definition, string? Claims);

/// <summary>What a refresh found, all of it in one snapshot.</summary>
/// <param name="Snapshot">Which transactions had become visible. The registrations of all of them are in the index.</param>
/// <param name="Policies">
/// For each table asked about, a text that changes whenever its policies, the rights on it or the labels of its enums do. A table that is gone is absent.
/// </param>
internal sealed record RegistryView(PgSnapshot Snapshot, IReadOnlyDictionary<uint, string> Policies);
