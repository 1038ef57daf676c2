using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Serverless.Auth;
using Serverless.Changes;
using Serverless.Database;
using Serverless.Subscriptions.Matching;
using Serverless.Support;

namespace Serverless.Subscriptions.Registry;

/// <summary>A migrated database, and subscriptions to tables that need not exist.</summary>
internal sealed class RegistryDatabase : IAsyncDisposable
{
    private const string Old = "now() - interval '11 minutes'";

    private RegistryDatabase(TestDatabase database)
    {
        Database = database;
        Sweep = new RegistrySweep(database.DataSource, Options.Create(new AuthOptions()));
    }

    public TestDatabase Database { get; }

    public RegistrySweep Sweep { get; }

    public static async Task<RegistryDatabase> CreateAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await new Migrator(database.DataSource, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
        return new RegistryDatabase(database);
    }

    /// <summary>Subscribes a session to all changes of a table, on a topic of the table's name.</summary>
    /// <returns>The number of the group.</returns>
    public async Task<long> JoinAsync(Guid session, string table, string claims = "{}")
    {
        await using var connection = await Database.DataSource.OpenConnectionAsync();
        return await JoinAsync(connection, session, table, claims);
    }

    /// <param name="claims">Where there are any, the group is for these claims alone.</param>
    public static async Task<long> JoinAsync(NpgsqlConnection connection, Guid session, string table, string claims = "{}")
    {
        var expires = TimeProvider.System.GetUtcNow().AddHours(1);
        var claimSet = ClaimSet.Of(new Caller("anon", Subject: null, expires, claims));
        var definition = DefinitionOf(table) with { ClaimsKey = claims == "{}" ? null : claimSet.HexKey };
        var registration = new ChannelRegistration(
            session, Subject: null, table, "anon", claimSet, expires, [new ResolvedSubscription(definition, new SubscriptionRequest { Table = table }, [])]);
        return (await SubscriptionRegistry.RegisterAsync(connection, registration, CancellationToken.None)).Single().Number;
    }

    public async Task LeaveAsync(Guid session)
    {
        await using var connection = await Database.DataSource.OpenConnectionAsync();
        await SubscriptionRegistry.EndSessionAsync(connection, session, CancellationToken.None);
    }

    /// <summary>Makes the tombstones there are old enough to be swept.</summary>
    public Task AgeTombstonesAsync() => Database.ExecuteAsync($"update serverless_realtime.subscription set left_at = {Old} where left_at is not null");

    public Task SweepAsync() => Sweep.SweepAsync(CancellationToken.None);

    public async Task<long> CountAsync(string table, string condition = "true") =>
        await Database.ScalarAsync<long>($"select count(*) from serverless_realtime.{table} where {condition}");

    public static GroupDefinition DefinitionOf(string table) =>
        new() { Schema = "public", Table = table, Event = SubscriptionEvent.All, Role = "anon" };

    public static Relation RelationOf(string table) =>
        new(1, "public", table, ReplicaIdentity.Default, [new Column("id", 23, "int4", IsKey: true)], []);

    /// <summary>The groups that the index has for a table, while none of them is bound.</summary>
    public static IEnumerable<long> GroupsIn(SubscriptionIndex index, string table) =>
        index.Of(RelationOf(table)).TakeUnbound("").Select(group => group.Id);

    public ValueTask DisposeAsync() => Database.DisposeAsync();
}
