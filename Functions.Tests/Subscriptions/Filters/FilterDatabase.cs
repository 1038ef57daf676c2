using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Serverless.Changes;
using Serverless.Database;
using Serverless.Support;

namespace Serverless.Subscriptions.Filters;

/// <summary>A database with our schema in it, and connections that write values as capture does.</summary>
internal sealed class FilterDatabase : IAsyncDisposable
{
    private readonly TestDatabase _database;

    private FilterDatabase(TestDatabase database)
    {
        _database = database;
        DataSource = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Timezone = "UTC",
            Options = "-c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex",
        }.ConnectionString);
    }

    public NpgsqlDataSource DataSource { get; }

    public static async Task<FilterDatabase> CreateAsync(string sql)
    {
        var database = new FilterDatabase(await TestDatabase.CreateAsync());
        await new Migrator(database.DataSource, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
        await database.ExecuteAsync(sql);
        return database;
    }

    public Task ExecuteAsync(string sql) => _database.ExecuteAsync(sql);

    public async Task<TableDescription> DescribeAsync(string table, string role = "postgres", string publication = "none")
    {
        await using var connection = await DataSource.OpenConnectionAsync();
        return (await TableCatalog.DescribeAsync(connection, publication, "public", table, role, CancellationToken.None))!;
    }

    public async Task<FilterNode> ResolveAsync(string table, string filter, string? role = null)
    {
        var description = await DescribeAsync(table, role ?? "postgres");
        await using var connection = await DataSource.OpenConnectionAsync();
        return await FilterResolver.ResolveAsync(connection, description, FilterParser.Parse(filter), role, CancellationToken.None);
    }

    public async Task<Relation> RelationAsync(string table)
    {
        var description = await DescribeAsync(table);
        var oid = await _database.ScalarAsync<uint>($"select '{table}'::regclass::oid");
        var types = await _database.ScalarAsync<uint[]>($"select array_agg(atttypid order by attnum) from pg_attribute where attrelid = {oid} and attnum > 0 and not attisdropped");
        return new Relation(oid, "public", table, ReplicaIdentity.Full, [.. description.Columns.Zip(types!, (column, type) => new Column(column.Name, type, column.BaseTypeName, column.IsKey))], []);
    }

    public async Task<IReadOnlyList<FilterAnswer>> AskAsync(Relation relation, TimeSpan limit, params FilterQuestion[] questions)
    {
        await using var connection = await DataSource.OpenConnectionAsync();
        return await FilterQuestions.AskAsync(connection, relation, questions, limit, CancellationToken.None);
    }

    public static RowImage Image(Relation relation, string json) => new(relation, Encoding.UTF8.GetBytes(json));

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await _database.DisposeAsync();
    }
}
