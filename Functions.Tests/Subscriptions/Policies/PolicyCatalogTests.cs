namespace Serverless.Subscriptions.Policies;

/// <summary>Whom row-level security binds, and what a role may read.</summary>
public sealed class PolicyCatalogTests : IAsyncLifetime
{
    private PolicyDatabase _database = null!;

    private string Owner => "owner_" + _database.Database.Name;

    private string Member => "member_" + _database.Database.Name;

    public async Task InitializeAsync()
    {
        _database = await PolicyDatabase.CreateAsync();
        await _database.ExecuteAsync(
            $"""
            create role {Owner} nologin;
            create role {Member} nologin;
            create table notes (id int primary key, user_id uuid, secret text);
            alter table notes owner to {Owner};
            alter table notes enable row level security;
            grant select on notes to authenticated, service_role, anon;
            """);
    }

    public async Task DisposeAsync()
    {
        await _database.ExecuteAsync($"drop table if exists part, child, notes cascade; drop owned by {Owner}, {Member} cascade; drop role {Owner}; drop role {Member}");
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_permissive_policy_nothing_is_visible()
    {
        (await KindAsync("authenticated")).Should().Be(PolicyKind.Closed);
        await _database.ExecuteAsync("create policy r on notes as restrictive using (true); create policy u on notes for update using (true); create policy a on notes to anon using (true)");
        (await KindAsync("authenticated")).Should().Be(PolicyKind.Closed);
        (await KindAsync("anon")).Should().Be(PolicyKind.Judged);
    }

    [Fact]
    public async Task Row_level_security_that_is_off_leaves_all_rows_to_those_who_may_select()
    {
        await _database.ExecuteAsync("alter table notes disable row level security");
        (await KindAsync("authenticated")).Should().Be(PolicyKind.Open);
        await _database.ExecuteAsync("revoke select on notes from authenticated");
        (await KindAsync("authenticated")).Should().Be(PolicyKind.Closed);
    }

    [Fact]
    public async Task The_owner_and_those_with_its_rights_are_bound_only_by_force()
    {
        await _database.ExecuteAsync($"grant {Owner} to {Member}; create policy p on notes using (false)");
        (await KindAsync(Owner)).Should().Be(PolicyKind.Open);
        (await KindAsync(Member)).Should().Be(PolicyKind.Open);
        await _database.ExecuteAsync($"alter role {Member} noinherit");
        (await KindAsync(Member)).Should().Be(PolicyKind.Closed, "a member that does not inherit has not the owner's rights, nor its privileges");
        await _database.ExecuteAsync("alter table notes force row level security");
        (await KindAsync(Owner)).Should().Be(PolicyKind.Judged);
    }

    [Fact]
    public async Task Bypassing_is_the_roles_own_attribute_and_not_inherited()
    {
        await _database.ExecuteAsync($"create policy p on notes using (false); alter role {Owner} bypassrls; alter table notes owner to current_user; grant select on notes to {Owner}, {Member}; grant {Owner} to {Member}");
        (await KindAsync(Owner)).Should().Be(PolicyKind.Open);
        (await KindAsync(Member)).Should().Be(PolicyKind.Judged);
        (await KindAsync((await _database.Database.ScalarAsync<string>("select current_user::text"))!)).Should().Be(PolicyKind.Open, "a superuser bypasses too");
    }

    [Fact]
    public async Task A_policy_for_a_role_applies_to_its_members()
    {
        await _database.ExecuteAsync($"grant select on notes to {Member}; create policy p on notes to anon using (true); grant anon to {Member}");
        (await KindAsync(Member)).Should().Be(PolicyKind.Judged);
        await _database.ExecuteAsync($"revoke anon from {Member}");
        (await KindAsync(Member)).Should().Be(PolicyKind.Closed);
    }

    [Fact]
    public async Task Permissive_policies_are_joined_by_or_and_restrictive_ones_by_and()
    {
        await _database.ExecuteAsync("create policy a on notes using (id = 1); create policy b on notes using (id = 2); create policy c on notes as restrictive using (secret is null)");
        var policy = await _database.ReadAsync("notes");
        policy.Sql.Should().Be("(((id = 1)) or ((id = 2))) and ((secret IS NULL))");
        policy.Columns.Should().Equal("id", "secret");
        policy.IsReducible.Should().BeTrue();
        policy.ReadsOtherTables.Should().BeFalse();
    }

    [Fact]
    public async Task Columns_granted_one_by_one_are_the_readable_ones()
    {
        await _database.ExecuteAsync("create policy p on notes using (true)");
        (await _database.ReadAsync("notes")).ReadableColumns.Should().BeNull();
        await _database.ExecuteAsync("revoke select on notes from authenticated; grant select (id, user_id) on notes to authenticated");
        var policy = await _database.ReadAsync("notes");
        policy.Kind.Should().Be(PolicyKind.Judged);
        policy.ReadableColumns.Should().Equal("id", "user_id");
    }

    [Fact]
    public async Task Partitions_and_children_have_policies_and_privileges_of_their_own()
    {
        await _database.ExecuteAsync(
            """
            create policy p on notes using (true);
            create table child () inherits (notes);
            create table parted (id int) partition by list (id);
            create table part partition of parted for values in (1);
            alter table parted enable row level security;
            grant select on parted, part to authenticated;
            """);
        (await _database.ReadAsync("child")).Kind.Should().Be(PolicyKind.Closed, "selecting from the child needs a privilege on the child");
        (await _database.ReadAsync("part")).Kind.Should().Be(PolicyKind.Open);
        (await _database.ReadAsync("parted")).Kind.Should().Be(PolicyKind.Closed);
    }

    [Fact]
    public async Task A_schema_that_the_role_may_not_use_closes_its_tables()
    {
        await _database.ExecuteAsync("create schema hidden; create table hidden.t (id int); grant select on hidden.t to authenticated");
        var policy = await _database.ReadAsync("hidden.t");
        policy.Kind.Should().Be(PolicyKind.Closed);
        policy.HasSelect.Should().BeFalse();
    }

    [Fact]
    public async Task Tables_and_roles_that_do_not_exist_are_absent()
    {
        var read = await PolicyCatalog.ReadAsync(_database.Connection, [1], ["authenticated", "no such role"], CancellationToken.None);
        read.Should().BeEmpty();
    }

    private async Task<PolicyKind> KindAsync(string role) => (await _database.ReadAsync("notes", role)).Kind;
}
