using System.Text;
using System.Text.Json;
using Serverless.Support;

namespace Serverless.Hosting;

public sealed class EventHubsEnvelopeTests
{
    // As the host's own encoder wrote it, members that nobody reads included.
    private const string FromTheHost = """
        {"Data":{"events":"[\"{\\\"id\\\":1}\",\"{\\\"id\\\":2}\"]"},"Metadata":{"TriggerPartitionContext":{"IsCheckpointingAfterInvocation":true,"FullyQualifiedNamespace":"ns.servicebus.windows.net","EventHubName":"changes","ConsumerGroup":"$Default","PartitionId":"3"},"PartitionContext":{"IsCheckpointingAfterInvocation":true,"FullyQualifiedNamespace":"ns.servicebus.windows.net","EventHubName":"changes","ConsumerGroup":"$Default","PartitionId":"3"},"PartitionKeyArray":"[\"public:todos\",null]","OffsetArray":"[\"8589934592\",\"8589934704\"]","SequenceNumberArray":"[41,42]","EnqueuedTimeUtcArray":"[\"2026-08-01T12:34:56.7891234\",\"2026-08-01T12:34:56.7891234\"]","PropertiesArray":"[{\"type\":\"INSERT\"},{}]","sys":{"MethodName":"changes","UtcNow":"2026-11-20T08:18:30.8561822Z","RandGuid":"7e60d622-3a7f-4e1e-b998-104597ebfde4"}}}
        """;

    [Fact]
    public void The_hosts_body_gives_partition_events_and_their_numbers()
    {
        var envelope = Read(FromTheHost);
        envelope.Partition.Should().Be("3");
        envelope.Events.Select(received => Encoding.UTF8.GetString(received.Body.Span)).Should().Equal("""{"id":1}""", """{"id":2}""");
        envelope.Events.Select(received => received.SequenceNumber).Should().Equal(41, 42);
    }

    [Theory]
    [InlineData("""{"Data":{"events":"[]"},"Metadata":{"PartitionContext":{"PartitionId":"3"}}}""")]
    [InlineData("""{"Data":{"events":[]},"Metadata":{"PartitionContext":"{\"PartitionId\":\"3\"}"}}""")]
    [InlineData("""{"Data":{"events":"[]"},"Metadata":{"TriggerPartitionContext":"{\"PartitionId\":\"3\"}","PartitionContext":{}}}""")]
    [InlineData("""{"Data":{"events":"[]"},"Metadata":{"TriggerPartitionContext":null,"PartitionContext":{"PartitionId":"3"}}}""")]
    public void A_member_may_be_itself_or_json_in_a_string(string body) => Read(body).Partition.Should().Be("3");

    [Theory]
    [InlineData("""{"Data":{"events":"[\"a\",\"b\"]"},"Metadata":{"PartitionContext":{"PartitionId":"3"}}}""")]
    [InlineData("""{"Data":{"events":"[\"a\",\"b\"]"},"Metadata":{"SequenceNumberArray":"[]","PartitionContext":{"PartitionId":"3"}}}""")]
    [InlineData("""{"Data":{"events":"[\"a\",\"b\"]"},"Metadata":{"SequenceNumberArray":{},"PartitionContext":{"PartitionId":"3"}}}""")]
    public void Events_are_read_without_their_numbers(string body) =>
        Read(body).Events.Should().HaveCount(2).And.OnlyContain(received => received.SequenceNumber == null);

    [Fact]
    public void Escapes_and_letters_of_every_script_survive_both_layers()
    {
        const string Text = "\"\\\u0001\n é € 漢 😀 \u2028 </script>";
        var envelope = Read(TriggerEnvelopes.OfEvents("0", Text));
        Encoding.UTF8.GetString(envelope.Events.Single().Body.Span).Should().Be(Text);
    }

    [Theory]
    [InlineData("null", "*Data.events*")]
    [InlineData("[]", "*Data.events*")]
    [InlineData("{}", "*Data.events*")]
    [InlineData("""{"Data":null}""", "*Data.events*")]
    [InlineData("""{"Data":{"timer":{}}}""", "*Data.events*'events'*")]
    [InlineData("""{"Data":{"events":"["}}""", "Data.events is a string that does not hold JSON*")]
    [InlineData("""{"Data":{"events":"[]"}}""", "*PartitionId*")]
    [InlineData("""{"Data":{"events":"[]"},"Metadata":"x"}""", "*PartitionId*")]
    [InlineData("""{"Data":{"events":"[]"},"Metadata":{"PartitionContext":{"PartitionId":3}}}""", "*PartitionId*")]
    [InlineData("""{"Data":{"events":"\"one\""},"Metadata":{"PartitionContext":{"PartitionId":"3"}}}""", "*'cardinality' to 'many'*")]
    [InlineData("""{"Data":{"events":"[{\"id\":1}]"},"Metadata":{"PartitionContext":{"PartitionId":"3"}}}""", "*'dataType' to 'string'*")]
    public void Another_body_is_refused_with_what_to_change(string body, string message) =>
        FluentActions.Invoking(() => Read(body)).Should().Throw<EnvelopeException>().WithMessage(message);

    private static EventHubsEnvelope Read(string body)
    {
        using var document = JsonDocument.Parse(body);
        return EventHubsEnvelope.Read(document.RootElement);
    }
}
