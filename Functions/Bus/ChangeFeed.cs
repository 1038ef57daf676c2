namespace Serverless.Bus;

/// <summary>
/// Tells whether changes reach the change function of this process. With the bus inside the process they do only where capture streams, and of several
/// processes on one database one does; with Event Hubs they reach whichever instance the host calls.
/// </summary>
internal sealed class ChangeFeed(bool isOutside)
{
    private volatile bool _isStreaming;

    public bool ReachesThisProcess => isOutside || _isStreaming;

    /// <summary>Set by capture while it holds the lease.</summary>
    public void SetStreaming(bool isStreaming) => _isStreaming = isStreaming;
}
