using Npgsql;
using NpgsqlTypes;

namespace Serverless.Subscriptions.Visibility;

/// <summary>Asks PostgreSQL itself, on the stage's writer, who sees what.</summary>
internal sealed class Oracle(Stage stage, RandomTable table)
{
    private long _read;

    public static string Setup()
    {
        using var stream = typeof(Oracle).Assembly.GetManifestResourceStream("oracle.sql")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>What was committed since the last call, in order.</summary>
    public async Task<IReadOnlyList<CommittedChange>> NewChangesAsync()
    {
        await using var command = new NpgsqlCommand($"select seq, op, old, new from {stage.Shadow}.log where seq > $1 order by seq", stage.Writer)
        {
            Parameters = { new() { Value = _read } },
        };
        var changes = new List<CommittedChange>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            _read = reader.GetInt64(0);
            changes.Add(new CommittedChange(
                _read, reader.GetString(1), reader.IsDBNull(2) ? null : reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetString(3)));
        }

        return changes;
    }

    public Task ForgetImagesAsync() => stage.ExecuteAsync($"delete from {stage.Shadow}.{table.Name}");

    public async Task<IReadOnlyList<Verdict>> JudgeAsync(IReadOnlyList<RandomSubscriber> subscribers)
    {
        await using var command = new NpgsqlCommand(
            """
            select m.sure, m.doubtful, m.failed, a.sure, a.doubtful, a.failed, r.readable, r.guarded, r.policies
            from unnest($4, $5, $6, $7) with ordinality s (role, claims, mended, condition, place),
              lateral oracle.judge($2, $3, s.role, s.claims, s.mended, s.condition) m,
              lateral oracle.judge($2, $3, s.role, s.claims, s.mended, 'true') a,
              lateral oracle.rights($1, s.role) r
            order by s.place
            """,
            stage.Writer)
        {
            Parameters =
            {
                new() { Value = $"{stage.Schema}.{table.Name}" },
                new() { Value = $"{stage.Shadow}.{table.Name}" },
                new() { Value = $"{stage.Schema}.members" },
                Texts(subscribers.Select(subscriber => subscriber.Role)),
                Texts(subscribers.Select(subscriber => subscriber.ClaimsJson)),
                Texts(subscribers.Select(subscriber => subscriber.MendedClaimsJson)),
                Texts(subscribers.Select(subscriber => subscriber.Filter.Condition)),
            },
        };
        var verdicts = new List<Verdict>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            verdicts.Add(new Verdict(
                ReadSight(reader, 0),
                ReadSight(reader, 3),
                reader.GetFieldValue<string[]>(6).ToHashSet(StringComparer.Ordinal),
                reader.GetBoolean(7),
                reader.GetFieldValue<string[]>(8)));
        }

        return verdicts;
    }

    private static Sight ReadSight(NpgsqlDataReader reader, int first) => new(
        reader.GetFieldValue<long[]>(first).ToHashSet(), reader.GetFieldValue<long[]>(first + 1).ToHashSet(), reader.GetBoolean(first + 2));

    private static NpgsqlParameter Texts(IEnumerable<string> texts) => new() { Value = texts.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };
}
