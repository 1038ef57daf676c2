using System.Text;
using System.Text.Json;

namespace Serverless.Presence;

public sealed class PresenceMessagesTests
{
    private static readonly PresenceTopic _room = new("room", IsPrivate: true);

    [Fact]
    public void A_change_that_fits_is_one_message_with_those_who_come_before_those_who_leave()
    {
        var change = new TopicChange(12, [new(false, "bob", "r2", """{"n":2}"""), new(true, "ada", "r1", "{}")]);

        PresenceMessages.Diffs(_room, change).Select(Text).Should().Equal(
            """[{"topic":"room","private":true,"previous":10,"version":12,"joins":{"ada":{"metas":[{"phx_ref":"r1"}]}},"leaves":{"bob":{"metas":[{"phx_ref":"r2","n":2}]}}}]""");
    }

    [Fact]
    public void A_change_that_does_not_is_a_chain_of_messages_that_fit()
    {
        var large = $$"""{"text":"{{new string('x', 50_000)}}"}""";
        var change = new TopicChange(107, [.. Enumerable.Range(0, 7).Select(number => new MemberChange(number % 2 == 0, $"k{number}", $"r{number}", large))]);

        var messages = PresenceMessages.Diffs(_room, change).ToList();

        var view = PresenceView.Of(new PresenceSnapshot(100, Encoding.UTF8.GetBytes(StateOfThoseWhoLeave(change))));
        foreach (var message in messages)
        {
            message.Length.Should().BeLessThan(PresenceMessages.PackedBytes);
            view.Apply(JsonDocument.Parse(message).RootElement[0]);
        }

        messages.Should().HaveCount(4);
        view.Version.Should().Be(107);
        view.Holes.Should().Be(0);
        view.Members.Select(member => member[..2]).Should().Equal("k0", "k2", "k4", "k6");
    }

    [Fact]
    public void A_member_larger_than_a_message_should_be_travels_alone()
    {
        var large = $$"""{"text":"{{new string('x', PresenceMessages.PackedBytes)}}"}""";
        var change = new TopicChange(3, [new(true, "a", "r1", "{}"), new(true, "b", "r2", large), new(true, "c", "r3", "{}")]);

        PresenceMessages.Diffs(_room, change).Select(message => JsonDocument.Parse(message).RootElement[0].GetProperty("joins").EnumerateObject().Single().Name)
            .Should().Equal("a", "b", "c");
    }

    [Fact]
    public void A_state_that_is_too_large_for_a_message_is_left_out()
    {
        Text(PresenceMessages.State(_room, new PresenceSnapshot(5, "{}"u8.ToArray()))).Should().Be("""[{"topic":"room","private":true,"version":5,"state":{}}]""");
        Text(PresenceMessages.State(_room, new PresenceSnapshot(5, new byte[PresenceMessages.PackedBytes + 1]))).Should().Be("""[{"topic":"room","private":true,"version":5}]""");
    }

    private static string StateOfThoseWhoLeave(TopicChange change) =>
        "{" + string.Join(',', change.Members.Where(member => !member.IsJoin).Select(member => $$"""
            "{{member.Key}}":{"metas":[{"phx_ref":"{{member.Ref}}"}] }
            """)) + "}";

    private static string Text(ReadOnlyMemory<byte> message) => Encoding.UTF8.GetString(message.Span);
}
