using Serverless.Database;

namespace Serverless.Subscriptions.Registry;

/// <summary>A subscription as the registry holds it.</summary>
/// <param name="Definition">Its group's definition, as JSON.</param>
internal readonly record struct RegistryRow(long Id, long GroupId, bool HasLeft, string Definition);

/// <summary>Who may read a table now.</summary>
/// <param name="Roles">Those of the subscribers' roles that may select from it.</param>
internal sealed record TableAccess(bool HasRowLevelSecurity, IReadOnlySet<string> Roles);

/// <summary>What a refresh found, all of it in one snapshot.</summary>
/// <param name="Snapshot">Which transactions had become visible. The registrations of all of them are in the index.</param>
/// <param name="Access">By table oid, for the tables asked about; a table that is gone is absent.</param>
internal sealed record RegistryView(PgSnapshot Snapshot, IReadOnlyDictionary<uint, TableAccess> Access);
