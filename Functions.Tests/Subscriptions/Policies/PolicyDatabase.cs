using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Serverless.Changes;
using Serverless.Database;
using Serverless.Support;

namespace Serverless.Subscriptions.Policies;

/// <summary>A migrated database, one connection to it as the service has it, and what a role really sees.</summary>
internal sealed class PolicyDatabase : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private PolicyDatabase(TestDatabase database, NpgsqlConnection connection)
    {
        Database = database;
        Connection = connection;
    }

    public TestDatabase Database { get; }

    public NpgsqlConnection Connection { get; }

    public PolicyJudge Judge { get; } = new(Limit, TimeProvider.System);

    public PolicyBinder Binder { get; } = new(Limit, TimeProvider.System);

    public static async Task<PolicyDatabase> CreateAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await new Migrator(database.DataSource, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
        return new PolicyDatabase(database, await OpenAsync(database));
    }

    public static async Task<NpgsqlConnection> OpenAsync(TestDatabase database, string? user = null)
    {
        var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Timezone = "UTC", Pooling = false };
        settings.Username = user ?? settings.Username;
        var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Runs statements on a connection of their own.</summary>
    public Task ExecuteAsync(string sql) => Database.ExecuteAsync(sql);

    public async Task<uint> OidAsync(string table) => await Database.ScalarAsync<uint>($"select '{table}'::regclass::oid");

    public async Task<TablePolicy> ReadAsync(string table, string role = "authenticated", NpgsqlConnection? connection = null)
    {
        var oid = await OidAsync(table);
        return (await PolicyCatalog.ReadAsync(connection ?? Connection, [oid], [role], CancellationToken.None))[(oid, role)];
    }

    public async Task<string> FingerprintAsync(string table) => (await ReadAsync(table)).Fingerprint;

    /// <summary>The table's rows as images, by the text of their id.</summary>
    public async Task<List<(string Id, RowImage Image)>> ImagesAsync(string table, string? without = null)
    {
        await using var command = new NpgsqlCommand(
            $"""
            select id::text, row_to_json(t)::text,
              (select array_agg(attname::text order by attnum) from pg_attribute where attrelid = t.tableoid and attnum > 0 and not attisdropped)
            from only {table} t order by id
            """,
            Connection);
        await using var reader = await command.ExecuteReaderAsync();
        var images = new List<(string, RowImage)>();
        while (await reader.ReadAsync())
        {
            Column[] columns = [.. reader.GetFieldValue<string[]>(2).Select(name => new Column(name, 0, "", false))];
            var relation = new Relation(1, "public", table, ReplicaIdentity.Full, columns, []);
            images.Add((reader.GetString(0), new RowImage(relation, Encode(reader.GetString(1), columns, without))));
        }

        return images;
    }

    /// <summary>The ids that a select under row-level security returns; null where it fails.</summary>
    public async Task<HashSet<string>?> SeenAsync(string table, string role, string claims)
    {
        await using var transaction = await Connection.BeginTransactionAsync();
        try
        {
            await using var command = new NpgsqlCommand(
                $"""
                select set_config('request.jwt.claims', '{claims.Replace("'", "''", StringComparison.Ordinal)}', true);
                set local role {SqlName.Of(role)};
                select array(select id::text from {table});
                """,
                Connection);
            await using var reader = await command.ExecuteReaderAsync();
            await reader.NextResultAsync();
            await reader.ReadAsync();
            return [.. reader.GetFieldValue<string[]>(0)];
        }
        catch (PostgresException)
        {
            return null;
        }
        finally
        {
            await transaction.RollbackAsync();
        }
    }

    /// <summary>The ids that the judge lets one claim set see, or its failure.</summary>
    public async Task<(HashSet<string> Ids, PolicyFailure? Failure)> JudgedAsync(TablePolicy policy, string claims, string? without = null)
    {
        var images = await ImagesAsync(policy.Name, without);
        var verdicts = await Judge.JudgeAsync(
            Connection, policy, [.. images.Select(image => image.Image)], [new PolicyAsk(claims, [.. Enumerable.Range(0, images.Count)])], CancellationToken.None);
        return (images.Zip(verdicts[0].Visible).Where(pair => pair.Second).Select(pair => pair.First.Id).ToHashSet(), verdicts[0].Failure);
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await Database.DisposeAsync();
    }

    // In capture's form: columns in order, no white space, strings with the fewest escapes.
    private static byte[] Encode(string json, Column[] columns, string? without)
    {
        using var document = JsonDocument.Parse(json);
        var parts = columns.Where(column => column.Name != without).Select(column => Encoding.UTF8.GetString(JsonText.Encode(column.Name)) + ":" + Token(document.RootElement.GetProperty(column.Name)));
        return Encoding.UTF8.GetBytes("{" + string.Join(',', parts) + "}");
    }

    private static string Token(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetString(JsonText.Encode(value.GetString()!)) : value.GetRawText();
}
