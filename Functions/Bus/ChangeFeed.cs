using Serverless.Changes;

namespace Serverless.Bus;

/// <summary>
/// Tells whether changes reach the change function of this process. With the bus inside the process they do only where capture streams, and of several
/// processes on one database one does; with Event Hubs they reach whichever instance the host calls.
/// </summary>
internal sealed class ChangeFeed(bool isOutside)
{
    private volatile bool _isStreaming;

    public bool ReachesThisProcess => isOutside || _isStreaming;

    /// <summary>Up to where everything was handed on and, where this process sends it too, sent; null where this process does not capture.</summary>
    public FeedProgress? Progress { get; private set; }

    /// <summary>Set by capture while it holds the lease.</summary>
    public void SetStreaming(bool isStreaming)
    {
        _isStreaming = isStreaming;
        if (!isStreaming)
        {
            Progress = null;
        }
    }

    /// <summary>Set by capture whenever it confirms to the slot.</summary>
    public void SetProgress(FeedProgress progress) => Progress = progress;
}

/// <param name="Before">Everything that was committed before it.</param>
internal sealed record FeedProgress(string Epoch, Lsn Before);
