using System.Globalization;
using System.Text;
using Serverless.Support;

namespace Serverless.Delivery;

/// <summary>What every <see cref="IRealtimeDelivery"/> promises, seen from real SignalR clients. A new one starts by deriving from this.</summary>
public abstract class RealtimeDeliveryContract : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly CancellationToken _none = CancellationToken.None;

    private readonly List<HubClient> _clients = [];

    internal abstract IRealtimeDelivery Delivery { get; }

    /// <summary>Where clients of a service inside the process reach it.</summary>
    protected abstract Uri Origin { get; }

    public abstract Task InitializeAsync();

    public virtual async Task DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_group_receives_ten_thousand_messages_in_the_order_they_were_sent()
    {
        var client = await ConnectAsync("ann");
        await Delivery.AddUserToGroupAsync("ann", "board", _none);

        for (var number = 0; number < 10_000; number++)
        {
            await Delivery.SendToGroupAsync("board", "note", Arguments(number), _none);
        }

        for (var number = 0; number < 10_000; number++)
        {
            (await NextNumberAsync(client)).Should().Be(number);
        }
    }

    [Fact]
    public async Task A_burst_of_many_megabytes_reaches_a_client_that_reads()
    {
        var client = await ConnectAsync("ann");
        await Delivery.AddUserToGroupAsync("ann", "board", _none);
        var text = new string('x', 500_000);

        for (var number = 0; number < 40; number++)
        {
            await Delivery.SendToGroupAsync("board", "note", Json($"[{number},\"{text}\"]"), _none);
        }

        for (var number = 0; number < 40; number++)
        {
            (await NextNumberAsync(client)).Should().Be(number);
        }
    }

    [Fact]
    public async Task Only_members_of_a_group_receive_what_is_sent_to_it()
    {
        var ann = await ConnectAsync("ann");
        var bob = await ConnectAsync("bob");
        await Delivery.AddUserToGroupAsync("ann", "board", _none);

        await Delivery.SendToGroupAsync("board", "note", Arguments(1), _none);
        await Delivery.SendToUserAsync("bob", "note", Arguments(2), _none);

        (await NextNumberAsync(ann)).Should().Be(1);
        (await NextNumberAsync(bob)).Should().Be(2);
    }

    [Fact]
    public async Task All_live_connections_of_a_user_are_added()
    {
        var first = await ConnectAsync("ann");
        var second = await ConnectAsync("ann");
        await Delivery.AddUserToGroupAsync("ann", "board", _none);

        await Delivery.SendToGroupAsync("board", "note", Arguments(1), _none);

        (await NextNumberAsync(first)).Should().Be(1);
        (await NextNumberAsync(second)).Should().Be(1);
    }

    [Fact]
    public async Task A_later_connection_of_a_user_does_not_inherit_its_groups()
    {
        await ConnectAsync("ann");
        await Delivery.AddUserToGroupAsync("ann", "board", _none);
        var later = await ConnectAsync("ann");

        await Delivery.SendToGroupAsync("board", "note", Arguments(1), _none);
        await Delivery.SendToUserAsync("ann", "note", Arguments(2), _none);

        (await NextNumberAsync(later)).Should().Be(2);
    }

    [Fact]
    public async Task A_user_removed_from_a_group_receives_nothing_more_from_it()
    {
        var client = await ConnectAsync("ann");
        await Delivery.AddUserToGroupAsync("ann", "board", _none);
        await Delivery.AddUserToGroupAsync("ann", "other", _none);
        await Delivery.RemoveUserFromGroupAsync("ann", "board", _none);

        await Delivery.SendToGroupAsync("board", "note", Arguments(1), _none);
        await Delivery.SendToGroupAsync("other", "note", Arguments(2), _none);

        (await NextNumberAsync(client)).Should().Be(2);
    }

    [Fact]
    public async Task A_user_removed_from_all_groups_receives_only_what_is_its_own()
    {
        var client = await ConnectAsync("ann");
        await Delivery.AddUserToGroupAsync("ann", "board", _none);
        await Delivery.AddUserToGroupAsync("ann", "other", _none);
        await Delivery.RemoveUserFromAllGroupsAsync("ann", _none);

        await Delivery.SendToGroupAsync("board", "note", Arguments(1), _none);
        await Delivery.SendToGroupAsync("other", "note", Arguments(2), _none);
        await Delivery.SendToUserAsync("ann", "note", Arguments(3), _none);

        (await NextNumberAsync(client)).Should().Be(3);
    }

    [Fact]
    public async Task What_is_sent_to_all_reaches_every_connection()
    {
        var (ann, bob) = (await ConnectAsync("ann"), await ConnectAsync("bob"));

        await Delivery.SendToAllAsync("note", Arguments(1), _none);

        (await NextNumberAsync(ann)).Should().Be(1);
        (await NextNumberAsync(bob)).Should().Be(1);
    }

    [Fact]
    public async Task A_user_is_connected_from_the_handshake_on_until_its_last_connection_is_closed()
    {
        (await Delivery.IsUserConnectedAsync("ann", _none)).Should().BeFalse();

        var client = await ConnectAsync("ann");
        (await Delivery.IsUserConnectedAsync("ann", _none)).Should().BeTrue();

        await Delivery.CloseUserConnectionsAsync("ann", "Time to go.", _none);
        (await client.Closed.WaitAsync(_limit)).Should().Be("Time to go.");
        await Eventually.HoldsAsync(async () => !await Delivery.IsUserConnectedAsync("ann", _none));
    }

    [Fact]
    public async Task What_was_sent_before_a_close_still_arrives()
    {
        var client = await ConnectAsync("ann");

        await Delivery.SendToUserAsync("ann", "note", Arguments(1), _none);
        await Delivery.CloseUserConnectionsAsync("ann", "Done.", _none);

        (await NextNumberAsync(client)).Should().Be(1);
        (await client.Closed.WaitAsync(_limit)).Should().Be("Done.");
    }

    [Fact]
    public async Task Nobody_being_there_is_not_an_error()
    {
        await Delivery.SendToGroupAsync("empty", "note", Arguments(1), _none);
        await Delivery.SendToUserAsync("nobody", "note", Arguments(1), _none);
        await Delivery.AddUserToGroupAsync("nobody", "empty", _none);
        await Delivery.RemoveUserFromGroupAsync("nobody", "empty", _none);
        await Delivery.RemoveUserFromAllGroupsAsync("nobody", _none);
        await Delivery.CloseUserConnectionsAsync("nobody", "Nothing.", _none);
    }

    [Fact]
    public async Task The_largest_arguments_arrive_and_one_byte_more_is_rejected()
    {
        var client = await ConnectAsync("ann");
        var largest = Json("[1,\"" + new string('x', Delivery.MaxArgumentsBytes - 6) + "\"]");
        largest.Length.Should().Be(Delivery.MaxArgumentsBytes);

        await Delivery.SendToUserAsync("ann", "note", largest, _none);
        (await NextNumberAsync(client)).Should().Be(1);

        var tooLarge = () => Delivery.SendToUserAsync("ann", "note", new byte[Delivery.MaxArgumentsBytes + 1], _none);
        (await tooLarge.Should().ThrowAsync<DeliveryException>()).Which.Error.Should().Be(DeliveryError.Rejected);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1")]
    [InlineData("[1],\"target\":[2]")]
    [InlineData("")]
    public async Task Arguments_that_are_no_JSON_array_are_rejected(string arguments)
    {
        var send = () => Delivery.SendToUserAsync("ann", "note", Json(arguments), _none);
        (await send.Should().ThrowAsync<DeliveryException>()).Which.Error.Should().Be(DeliveryError.Rejected);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("..")]
    public async Task Names_that_cannot_be_addressed_are_rejected(string group)
    {
        var send = () => Delivery.SendToGroupAsync(group, "note", Arguments(1), _none);
        (await send.Should().ThrowAsync<DeliveryException>()).Which.Error.Should().Be(DeliveryError.Rejected);
    }

    [Theory]
    [InlineData("räume/große: ünïcode ✓ 😀")]
    [InlineData("a%2Fb")]
    [InlineData("a/b?c#d&e=f+g h")]
    [InlineData(":send")]
    [InlineData("groups")]
    [InlineData("a\\b\"c'd;e,f@g$h~i|j`k^l{m}n[o]")]
    public async Task A_group_or_a_user_may_have_any_characters(string name)
    {
        var client = await ConnectAsync(name);
        await Delivery.AddUserToGroupAsync(name, name, _none);

        await Delivery.SendToGroupAsync(name, "note", Arguments(1), _none);
        await Delivery.SendToUserAsync(name, "note", Arguments(2), _none);

        (await NextNumberAsync(client)).Should().Be(1);
        (await NextNumberAsync(client)).Should().Be(2);
    }

    [Fact]
    public async Task A_name_with_a_slash_is_not_the_name_with_its_escape()
    {
        var slash = await ConnectAsync("slash");
        var escape = await ConnectAsync("escape");
        await Delivery.AddUserToGroupAsync("slash", "a/b", _none);
        await Delivery.AddUserToGroupAsync("escape", "a%2Fb", _none);

        await Delivery.SendToGroupAsync("a/b", "note", Arguments(1), _none);
        await Delivery.SendToGroupAsync("a%2Fb", "note", Arguments(2), _none);

        (await NextNumberAsync(slash)).Should().Be(1);
        (await NextNumberAsync(escape)).Should().Be(2);
    }

    [Fact]
    public async Task Arguments_arrive_digit_for_digit()
    {
        var client = await ConnectAsync("ann");
        const string Arguments = """[{"n":12345678901234567890.10,"big":9223372036854775807,"text":"ü\u0000\u001e\n😀","none":null},true,[]]""";

        await Delivery.SendToUserAsync("ann", "note", Json(Arguments), _none);

        var received = await client.NextAsync("note", _limit);
        received[0].GetProperty("n").GetRawText().Should().Be("12345678901234567890.10");
        received[0].GetProperty("big").GetInt64().Should().Be(long.MaxValue);
        received[0].GetProperty("text").GetString().Should().Be("ü\0\u001e\n😀");
        received.Should().HaveCount(3);
    }

    [Fact]
    public async Task Deeply_nested_arguments_arrive_and_one_level_more_is_rejected()
    {
        var client = await ConnectAsync("ann");
        var deepest = Nested(DeliveryLimits.MaxDepth - 1);

        await Delivery.SendToUserAsync("ann", "note", Json($"[{deepest}]"), _none);
        (await client.NextAsync("note", _limit))[0].GetRawText().Should().Be(deepest);

        var tooDeep = () => Delivery.SendToUserAsync("ann", "note", Json($"[[{deepest}]]"), _none);
        (await tooDeep.Should().ThrowAsync<DeliveryException>()).Which.Error.Should().Be(DeliveryError.Rejected);
    }

    [Fact]
    public async Task Concurrent_senders_keep_the_order_of_each_of_their_groups_while_others_come_and_go()
    {
        const int Groups = 8;
        const int Messages = 200;
        var clients = await Task.WhenAll(Enumerable.Range(0, Groups).Select(group => ConnectAsync($"user{group}")));
        await Task.WhenAll(Enumerable.Range(0, Groups).Select(group => Delivery.AddUserToGroupAsync($"user{group}", $"group{group}", _none)));

        var churn = Enumerable.Range(0, 20).Select(ComeAndGoAsync);
        var sends = Enumerable.Range(0, Groups).Select(async group =>
        {
            for (var number = 0; number < Messages; number++)
            {
                await Delivery.SendToGroupAsync($"group{group}", "note", Arguments(number), _none);
            }
        });
        await Task.WhenAll(churn.Concat(sends));

        foreach (var client in clients)
        {
            for (var number = 0; number < Messages; number++)
            {
                (await NextNumberAsync(client)).Should().Be(number);
            }
        }
    }

    [Fact]
    public async Task A_client_that_has_just_connected_is_found_at_once_every_time()
    {
        for (var round = 0; round < 100; round++)
        {
            var user = string.Create(CultureInfo.InvariantCulture, $"user{round}");
            var client = await ConnectAsync(user);
            await Delivery.AddUserToGroupAsync(user, "board", _none);
            await Delivery.SendToGroupAsync("board", "note", Arguments(round), _none);
            (await NextNumberAsync(client)).Should().Be(round);
        }
    }

    private async Task ComeAndGoAsync(int number)
    {
        var user = string.Create(CultureInfo.InvariantCulture, $"guest{number}");
        var access = await Delivery.GrantAccessAsync(user, Origin, TimeSpan.FromMinutes(1), _none);
        await using var client = await HubClient.ConnectAsync(access.Url, access.AccessToken);
        await Delivery.AddUserToGroupAsync(user, $"group{number % 8}", _none);
    }

    private async Task<HubClient> ConnectAsync(string user)
    {
        var access = await Delivery.GrantAccessAsync(user, Origin, TimeSpan.FromMinutes(1), _none);
        var client = await HubClient.ConnectAsync(access.Url, access.AccessToken);
        lock (_clients)
        {
            _clients.Add(client);
        }

        return client;
    }

    private static async Task<int> NextNumberAsync(HubClient client) => (await client.NextAsync("note", _limit))[0].GetInt32();

    private static ReadOnlyMemory<byte> Arguments(int number) => Json(string.Create(CultureInfo.InvariantCulture, $"[{number}]"));

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);

    private static ReadOnlyMemory<byte> Json(string json) => Encoding.UTF8.GetBytes(json);
}
