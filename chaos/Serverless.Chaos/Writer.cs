using Npgsql;

namespace Serverless.Chaos;

/// <summary>Writes small transactions of inserts, updates and deletes, at a rate, whatever becomes of the server.</summary>
internal sealed class Writer(NpgsqlDataSource database, Random random)
{
    private const int Keys = 600;
    private const double ChangesPerSecond = 90;

    public int Failures { get; private set; }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var began = TimeProvider.System.GetTimestamp();
            var size = random.Next(1, 25);
            try
            {
                await WriteAsync(size);
            }
            catch (Exception ex) when (Wait.IsTrouble(ex))
            {
                // Whether it was committed is for the audit to say.
                Failures++;
            }

            var rest = TimeSpan.FromSeconds(size / ChangesPerSecond) - TimeProvider.System.GetElapsedTime(began);
            await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, TimeProvider.System, CancellationToken.None);
        }
    }

    // Keys in order, so that writers wait for each other and seldom deadlock.
    private async Task WriteAsync(int size)
    {
        var table = Schema.Tables[random.Next(Schema.Tables.Length)];
        var ids = string.Join(',', Enumerable.Range(0, size).Select(_ => random.Next(Keys)).Distinct().Order());
        var (owner, team, state) = (random.Next(Schema.Owners), random.Next(Schema.Teams), random.Next(6));
        var sql = random.Next(5) == 0
            ? $"delete from {table} where id in ({ids})"
            : $"""
               insert into {table} (id, owner, team, state, body)
               select id, ('00000000-0000-4000-8000-' || lpad(((id + {owner}) % {Schema.Owners})::text, 12, '0'))::uuid, (id + {team}) % {Schema.Teams}, (id + {state}) % 6, 'text of ' || id
               from unnest(array[{ids}]) id
               on conflict (id) do update set owner = excluded.owner, team = excluded.team, state = excluded.state
               """;
        await Schema.RunAsync(database, sql);
    }
}
