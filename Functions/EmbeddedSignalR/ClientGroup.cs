namespace Serverless.EmbeddedSignalR;

/// <summary>The members of one group, changed under the lock of <see cref="ClientConnections"/> and read without it.</summary>
internal sealed class ClientGroup(string name)
{
    private readonly HashSet<ClientConnection> _members = [];
    private volatile ClientConnection[]? _snapshot;

    public string Name => name;

    public bool IsEmpty => _members.Count == 0;

    /// <summary>The members as last computed; null after a change.</summary>
    public ClientConnection[]? Snapshot => _snapshot;

    public void Add(ClientConnection connection)
    {
        _members.Add(connection);
        _snapshot = null;
    }

    public void Remove(ClientConnection connection)
    {
        _members.Remove(connection);
        _snapshot = null;
    }

    public ClientConnection[] TakeSnapshot() => _snapshot = [.. _members];
}
