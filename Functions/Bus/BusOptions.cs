using System.ComponentModel.DataAnnotations;

namespace Serverless.Bus;

/// <summary>Which bus carries changes from capture to the change function.</summary>
internal enum BusKind
{
    /// <summary>A queue inside the process, for a laptop, a container, or one always-on instance.</summary>
    InProcess,

    /// <summary>Azure Event Hubs: changes arrive through the Functions host's trigger.</summary>
    EventHubs,
}

/// <summary>Settings of the bus.</summary>
internal sealed class BusOptions
{
    public const string Section = "Realtime";

    /// <summary>The bus. Default: <c>InProcess</c>.</summary>
    [EnumDataType(typeof(BusKind), ErrorMessage = "Realtime:Bus is InProcess or EventHubs.")]
    public BusKind Bus { get; set; } = BusKind.InProcess;

    /// <summary>Partitions of the bus inside the process: how many tables' changes are handled side by side. Default: 4.</summary>
    [Range(1, 32, ErrorMessage = "Realtime:Partitions must lie between 1 and 32.")]
    public int Partitions { get; set; } = 4;
}
