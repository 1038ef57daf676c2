using Npgsql;

namespace Serverless.Chaos;

/// <summary>The tables that are written: rows are seen by their owner and by the members of their team. Every change bears a number of its own, and is noted beside.</summary>
internal static class Schema
{
    public static readonly string[] Tables = ["tasks", "notes", "posts"];

    public const int Owners = 20;

    public const int Teams = 10;

    public static string Owner(int number) => $"00000000-0000-4000-8000-{number:D12}";

    /// <summary>The teams of an owner, here and in the table of memberships.</summary>
    public static bool IsMember(int owner, int team) => owner % Teams == team;

    public static async Task CreateAsync(NpgsqlDataSource database)
    {
        await RunAsync(database, """
            create table memberships (member uuid, team int, primary key (member, team));
            create sequence change_number;
            create table audit (id int, number bigint, op text, tbl text, xid xid8, old_owner int, old_team int, old_state int, new_owner int, new_team int, new_state int);
            create function number() returns trigger language plpgsql as $$ begin new.number := nextval('change_number'); return new; end $$;
            create function note() returns trigger language plpgsql as $$
            begin
              insert into audit values (coalesce(new.id, old.id), case when tg_op = 'DELETE' then old.number else new.number end, tg_op, tg_table_name, pg_current_xact_id(),
                right(old.owner::text, 12)::int, old.team, old.state, right(new.owner::text, 12)::int, new.team, new.state);
              return null;
            end $$;
            grant select on memberships to authenticated;
            """);
        await RunAsync(database, $"insert into memberships select ('00000000-0000-4000-8000-' || lpad(o::text, 12, '0'))::uuid, o % {Teams} from generate_series(0, {Owners - 1}) o");
        foreach (var table in Tables)
        {
            await RunAsync(database, $"""
                create table {table} (id int primary key, owner uuid not null, team int not null, state int not null, body text not null, number bigint not null default 0);
                create trigger number before insert or update on {table} for each row execute function number();
                create trigger note after insert or update or delete on {table} for each row execute function note();
                grant select on {table} to authenticated;
                alter table {table} enable row level security;
                create policy own on {table} for select to authenticated using (owner = auth.uid());
                create policy team on {table} for select to authenticated using ({Team(table, 0)});
                select serverless_realtime.enable('public.{table}', true);
                """);
        }
    }

    /// <summary>One of the ways to write the policy, which all mean the same, so that editing it changes nobody's rights.</summary>
    public static string Team(string table, int way) => (way % 2) == 0
        ? "team in (select m.team from memberships m where m.member = auth.uid())"
        : $"exists (select from memberships m where m.member = auth.uid() and m.team = {table}.team)";

    public static async Task RunAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
