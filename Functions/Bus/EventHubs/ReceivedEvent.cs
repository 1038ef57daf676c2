namespace Serverless.Bus.EventHubs;

/// <summary>One event as Event Hubs kept it.</summary>
/// <param name="Body">The bytes that capture published.</param>
/// <param name="SequenceNumber">Its number in the partition, where the trigger tells it.</param>
internal sealed record ReceivedEvent(ReadOnlyMemory<byte> Body, long? SequenceNumber);
