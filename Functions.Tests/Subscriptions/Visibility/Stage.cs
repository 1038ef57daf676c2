using System.Text.Json;
using Npgsql;
using Serverless.Changes;
using Serverless.Support;

namespace Serverless.Subscriptions.Visibility;

/// <summary>Where histories take place, one at a time: a schema, roles, connected clients and a writer. Stages side by side keep the pipeline busy.</summary>
internal sealed class Stage : IAsyncDisposable
{
    /// <summary>Must be the setting of the app.</summary>
    private const int Partitions = 4;

    private static readonly string?[] _subjects = [.. RandomTable.Users, null, "not-a-uuid"];

    private readonly TestDatabase _database;
    private readonly int _number;
    private readonly List<Listener> _listeners = [];
    private string _marker = "";

    private Stage(TestDatabase database, int number, NpgsqlConnection writer)
    {
        _database = database;
        _number = number;
        Writer = writer;
        Schema = $"w{number}";
        Roles = [RoleNamed("user"), RoleNamed("member"), RoleNamed("guest"), RoleNamed("loner")];
    }

    public NpgsqlConnection Writer { get; }

    public string Schema { get; }

    /// <summary>The schema of copies that hold the images of rows.</summary>
    public string Shadow => Schema + "_shadow";

    /// <summary>Subscribers' roles. <c>member</c> inherits from <see cref="Team"/>; <c>guest</c> belongs to it and does not inherit.</summary>
    public IReadOnlyList<string> Roles { get; }

    public string Team => RoleNamed("team");

    /// <summary>Reads everything, past all policies.</summary>
    public string Everything => RoleNamed("all");

    public static int Users => _subjects.Length;

    /// <summary>One for each user, and last the one that reads everything.</summary>
    public IReadOnlyList<Listener> Listeners => _listeners;

    public static string? SubjectOf(int user) => _subjects[user];

    public static async Task<Stage> CreateAsync(TestDatabase database, RealtimeTestApp app, int number)
    {
        var writer = await database.DataSource.OpenConnectionAsync();
        var stage = new Stage(database, number, writer);
        stage._marker = stage.TableName("marker");
        await stage.ExecuteAsync(stage.Setup());
        foreach (var subject in _subjects.Append(null))
        {
            stage._listeners.Add(await Listener.ConnectAsync(app.Url, Tokens.For("anon", subject), stage.Schema, stage._marker));
        }

        return stage;
    }

    /// <summary>A table name whose changes travel in this stage's partition.</summary>
    public string TableName(string prefix)
    {
        for (var i = 0; ; i++)
        {
            var name = i == 0 ? prefix : $"{prefix}_{i}";
            if (TablePartition.Of(new Relation(0, Schema, name, ReplicaIdentity.Default, [], []), Partitions) == _number % Partitions)
            {
                return name;
            }
        }
    }

    public async Task ExecuteAsync(string sql)
    {
        for (var isAgain = false; ; isAgain = true)
        {
            await using var command = new NpgsqlCommand(sql, Writer);
            try
            {
                await command.ExecuteNonQueryAsync();
                return;
            }
            catch (PostgresException ex) when (ex.SqlState == PostgresErrorCodes.DeadlockDetected && !isAgain)
            {
                // It locks tables one after another that the app reads in its own order, and nothing of it was done.
            }
        }
    }

    /// <summary>Waits until every commit so far has been handled to its end.</summary>
    public async Task<long> DrainAsync()
    {
        long marker;
        string before;
        await using (var command = new NpgsqlCommand("select pg_current_wal_insert_lsn()::text", Writer))
        {
            before = (string)(await command.ExecuteScalarAsync())!;
        }

        await using (var command = new NpgsqlCommand($"insert into {Schema}.{_marker} default values returning id", Writer))
        {
            marker = (long)(await command.ExecuteScalarAsync())!;
        }

        await using var handled = new NpgsqlCommand(
            "select exists (select from serverless_realtime.partition_state where partition = $1 and split_part(sent, ':', 1)::pg_lsn >= $2::pg_lsn)", Writer)
        {
            Parameters = { new() { Value = $"{_number % Partitions}/{Partitions}" }, new() { Value = before } },
        };
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!(bool)(await handled.ExecuteScalarAsync(limit.Token))!)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, limit.Token);
        }

        return marker;
    }

    /// <summary>Waits until every commit so far has been handled and everything that was sent has arrived.</summary>
    public async Task SettleAsync()
    {
        await DrainAsync();
        var marker = await DrainAsync();
        await Task.WhenAll(_listeners.Select(listener => listener.WaitForMarkerAsync(marker)));
    }

    public static string TokenFor(IReadOnlyDictionary<string, object> claims) =>
        Tokens.Sign(new { alg = "HS256" }, JsonSerializer.Serialize(new Dictionary<string, object>(claims) { ["exp"] = Tokens.Expiry() }));

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners)
        {
            await listener.DisposeAsync();
        }

        string[] roles = [.. Roles, Team, Everything];
        await ExecuteAsync($"drop schema {Shadow}, {Schema} cascade; drop owned by {string.Join(", ", roles)}; drop role {string.Join(", ", roles)};");
        await Writer.DisposeAsync();
    }

    // Roles belong to the whole server, so they carry the database's name.
    private string RoleNamed(string name) => $"{_database.Name}_{_number}_{name}";

    private string Setup() =>
        $"""
        set timezone = 'UTC';
        create role {Team};
        create role {RoleNamed("user")};
        create role {RoleNamed("member")} in role {Team};
        create role {RoleNamed("guest")} noinherit in role {Team};
        create role {RoleNamed("loner")};
        create role {Everything} bypassrls;
        create schema {Schema};
        create schema {Shadow};
        grant usage on schema {Schema} to anon, {Everything};
        create table {Schema}.{_marker} (id bigint generated always as identity primary key);
        grant select on {Schema}.{_marker} to anon;
        alter publication supabase_realtime add table {Schema}.{_marker};

        create table {Schema}.members (tenant text, user_id uuid);
        create function {Schema}.lenient_ratio(n int) returns int language plpgsql stable as $f$
        begin
          if n = 0 and current_setting('oracle.lenient', true) = 'on' then
            return null;
          end if;
          return 10 / n;
        end $f$;

        -- Wrongly marked: what it gives is the caller's own, and would be computed when a statement is planned.
        create function {Schema}.me() returns uuid language sql stable return auth.uid();
        create function {Schema}.me_fast() returns uuid language sql immutable return {Schema}.me();
        create function {Schema}.is_mine(uuid) returns boolean language plpgsql stable security definer as $f$ begin return $1 = {Schema}.me_fast(); end $f$;
        create function {Schema}.me_once() returns uuid language plpgsql stable security definer as $f$
        begin
          if coalesce(current_setting('app.me', true), '') = '' then
            perform set_config('app.me', {Schema}.me()::text, true);
          end if;
          return nullif(current_setting('app.me', true), '')::uuid;
        end $f$;
        create function {Schema}.guard() returns boolean language plpgsql stable as $f$
        begin
          if auth.jwt() ->> 'sub' = '{RandomTable.Users[0]}' then
            if current_setting('oracle.lenient', true) = 'on' then
              return null;
            end if;
            raise exception 'locked' using errcode = 'object_not_in_prerequisite_state';
          end if;
          return true;
        end $f$;

        -- Every committed change of a table here leaves its images in the table of the same name there.
        create sequence {Shadow}.seq;
        create table {Shadow}.log (seq bigint primary key, op text, old text, new text);
        create function {Shadow}.keep() returns trigger language plpgsql as $f$
        declare
          one bigint := nextval('{Shadow}.seq');
        begin
          if tg_op <> 'INSERT' then
            execute format('insert into {Shadow}.%I select ($1).*, $2', tg_table_name) using old, 2 * one;
          end if;
          if tg_op <> 'DELETE' then
            execute format('insert into {Shadow}.%I select ($1).*, $2', tg_table_name) using new, 2 * one + 1;
          end if;
          insert into {Shadow}.log values (one, tg_op, to_jsonb(old)::text, to_jsonb(new)::text);
          return null;
        end $f$;
        """;
}
