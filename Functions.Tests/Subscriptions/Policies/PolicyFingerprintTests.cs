namespace Serverless.Subscriptions.Policies;

/// <summary>What makes a policy that was read out of date, and what does not.</summary>
public sealed class PolicyFingerprintTests : IAsyncLifetime
{
    private PolicyDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await PolicyDatabase.CreateAsync();
        await _database.ExecuteAsync(
            $"""
            create role other_{Name} nologin;
            create type mood as enum ('sad');
            create table rooms (id int, owner uuid);
            create table notes (id int primary key, user_id uuid, room int);
            alter table notes enable row level security;
            grant select on notes to authenticated;
            create function helper(int) returns boolean language sql stable as 'select true';
            create policy p on notes using (helper(room) and exists (select from rooms r where r.owner = auth.uid()) and (auth.jwt() ->> 'mood')::mood = 'sad');
            """);
    }

    public async Task DisposeAsync()
    {
        await _database.ExecuteAsync($"reassign owned by other_{Name} to current_user; drop owned by other_{Name}; drop role other_{Name}");
        await _database.DisposeAsync();
    }

    private string Name => _database.Database.Name;

    [Theory]
    [InlineData("create policy q on notes as restrictive using (true)")]
    [InlineData("alter policy p on notes using (true)")]
    [InlineData("alter policy p on notes to anon")]
    [InlineData("drop policy p on notes")]
    [InlineData("alter table notes disable row level security")]
    [InlineData("alter table notes force row level security")]
    [InlineData("alter table notes owner to other_NAME")]
    [InlineData("alter table notes rename to remarks")]
    [InlineData("alter table notes add column more int")]
    [InlineData("alter table notes alter column id type bigint")]
    [InlineData("alter table notes rename column user_id to owner")]
    [InlineData("revoke select on notes from authenticated")]
    [InlineData("grant select (id) on notes to anon")]
    [InlineData("revoke usage on schema public from public")]
    [InlineData("alter role other_NAME bypassrls")]
    [InlineData("grant other_NAME to service_role")]
    [InlineData("create or replace function helper(int) returns boolean language sql stable as 'select false'")]
    [InlineData("revoke execute on function helper from public")]
    [InlineData("create or replace function auth.uid() returns uuid language sql stable as 'select null::uuid'")]
    [InlineData("alter table rooms rename column owner to boss")]
    [InlineData("alter table rooms rename to places")]
    [InlineData("create schema s; alter table rooms set schema s")]
    [InlineData("alter function helper rename to aide")]
    [InlineData("revoke usage on schema auth from public")]
    [InlineData("alter type mood add value 'ok'")]
    [InlineData("alter type mood rename value 'sad' to 'low'")]
    public async Task It_changes(string ddl)
    {
        var oid = await _database.OidAsync("notes");
        var before = await ReadAsync(oid);
        await _database.ExecuteAsync(ddl.Replace("NAME", Name, StringComparison.Ordinal));
        (await ReadAsync(oid)).Should().NotBe(before);
    }

    [Theory]
    [InlineData("insert into notes select i, gen_random_uuid(), i from generate_series(1, 1000) i; update notes set room = room + 1; delete from notes where id < 500")]
    [InlineData("insert into rooms values (1, null)")]
    [InlineData("insert into notes values (1); analyze notes")]
    [InlineData("create table unrelated (id int); create policy x on unrelated using (true)")]
    [InlineData("create index on notes (room)")]
    public async Task It_does_not_change(string sql)
    {
        var oid = await _database.OidAsync("notes");
        var before = await ReadAsync(oid);
        await _database.ExecuteAsync(sql);
        await _database.ExecuteAsync("vacuum notes");
        (await ReadAsync(oid)).Should().Be(before);
    }

    private async Task<string?> ReadAsync(uint oid) =>
        await _database.Database.ScalarAsync<string>($"select fingerprint from ({PolicyFingerprint.Query.Replace("$1", $"array[{oid}::oid]", StringComparison.Ordinal)}) f");
}
