namespace Serverless.Subscriptions.Matching;

/// <summary>A group in the index: its definition and how many subscriptions hold it there.</summary>
internal sealed class SubscriberGroup(long id, GroupDefinition definition)
{
    public long Id { get; } = id;

    public GroupDefinition Definition { get; } = definition;

    /// <summary>The SignalR group that its members have joined.</summary>
    public string Name => NameOf(Id);

    /// <summary>Live subscriptions. Changed only under the index's write lock.</summary>
    public int Members { get; set; }

    public static string NameOf(long id) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"g{id}");
}
