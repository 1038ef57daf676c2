using System.Globalization;

namespace Serverless.Subscriptions.Matching;

/// <summary>A group in the index: its definition and how many subscriptions hold it there.</summary>
/// <param name="number">What clients know it by.</param>
/// <param name="claims">The claims of its members, as JSON; null where it is not for one claim set.</param>
internal sealed class SubscriberGroup(long id, long number, GroupDefinition definition, string? claims)
{
    public long Id { get; } = id;

    public long Number { get; } = number;

    public GroupDefinition Definition { get; } = definition;

    public string? Claims { get; } = claims;

    /// <summary>The SignalR group that its members have joined.</summary>
    public string Name => NameOf(Id);

    /// <summary>Where its notices go, by code and message, in place of a SignalR group; null for a group that has one.</summary>
    public Action<string, string>? Notified { get; init; }

    /// <summary>Live subscriptions. Changed only under the index's lock.</summary>
    public int Members { get; set; }

    /// <summary>How often in a row the policies could not be bound to its claims. Changed only by whoever handles the table's partition.</summary>
    public int Failures { get; set; }

    public static string NameOf(long id) => string.Create(CultureInfo.InvariantCulture, $"g{id}");
}
