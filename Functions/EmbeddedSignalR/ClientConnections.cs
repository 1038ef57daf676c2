using System.Collections.Concurrent;

namespace Serverless.EmbeddedSignalR;

/// <summary>Who is connected, as which user, in which groups.</summary>
/// <remarks>
/// One lock guards every change, so that a user's membership and the coming or going of its connections cannot pass each other by. Sends
/// take no lock but to renew a group's list of members after a change: a change that has returned counts for every send that starts later.
/// </remarks>
internal sealed class ClientConnections
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, ClientConnection> _connections = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ClientGroup> _groups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<ClientConnection>> _users = new(StringComparer.Ordinal);

    public IReadOnlyCollection<ClientConnection> All => (IReadOnlyCollection<ClientConnection>)_connections.Values;

    public ClientConnection? Find(string connectionId) => _connections.GetValueOrDefault(connectionId);

    public IReadOnlyList<ClientConnection> OfUser(string userId)
    {
        lock (_lock)
        {
            return _users.TryGetValue(userId, out var connections) ? [.. connections] : [];
        }
    }

    public IReadOnlyList<ClientConnection> OfGroup(string group)
    {
        if (!_groups.TryGetValue(group, out var members))
        {
            return [];
        }

        if (members.Snapshot is { } snapshot)
        {
            return snapshot;
        }

        lock (_lock)
        {
            return members.TakeSnapshot();
        }
    }

    public void Add(ClientConnection connection)
    {
        lock (_lock)
        {
            _connections[connection.Id] = connection;
            if (connection.UserId is { } user)
            {
                if (!_users.TryGetValue(user, out var connections))
                {
                    _users[user] = connections = [];
                }

                connections.Add(connection);
            }
        }
    }

    public ClientConnection? Remove(string connectionId)
    {
        lock (_lock)
        {
            if (!_connections.TryRemove(connectionId, out var connection))
            {
                return null;
            }

            LeaveAll(connection);
            if (connection.UserId is { } user && _users.TryGetValue(user, out var connections) && connections.Remove(connection) && connections.Count == 0)
            {
                _users.Remove(user);
            }

            return connection;
        }
    }

    /// <summary>Adds the user's live connections; a later one does not inherit the membership.</summary>
    public void AddUserToGroup(string userId, string group)
    {
        lock (_lock)
        {
            foreach (var connection in _users.GetValueOrDefault(userId) ?? [])
            {
                Join(connection, group);
            }
        }
    }

    public void RemoveUserFromGroup(string userId, string group)
    {
        lock (_lock)
        {
            foreach (var connection in _users.GetValueOrDefault(userId) ?? [])
            {
                Leave(connection, group);
            }
        }
    }

    public void RemoveUserFromAllGroups(string userId)
    {
        lock (_lock)
        {
            foreach (var connection in _users.GetValueOrDefault(userId) ?? [])
            {
                LeaveAll(connection);
            }
        }
    }

    public bool IsUserInGroup(string userId, string group)
    {
        lock (_lock)
        {
            return _groups.TryGetValue(group, out var members)
                && (_users.GetValueOrDefault(userId) ?? []).Exists(connection => connection.Groups.Contains(members));
        }
    }

    /// <returns>Whether there is such a connection.</returns>
    public bool AddToGroup(string connectionId, string group) => WithConnection(connectionId, connection => Join(connection, group));

    /// <returns>Whether there is such a connection.</returns>
    public bool RemoveFromGroup(string connectionId, string group) => WithConnection(connectionId, connection => Leave(connection, group));

    public void RemoveFromAllGroups(string connectionId) => WithConnection(connectionId, LeaveAll);

    private bool WithConnection(string connectionId, Action<ClientConnection> change)
    {
        lock (_lock)
        {
            if (!_connections.TryGetValue(connectionId, out var connection))
            {
                return false;
            }

            change(connection);
            return true;
        }
    }

    private void Join(ClientConnection connection, string name)
    {
        if (!_groups.TryGetValue(name, out var group))
        {
            _groups[name] = group = new ClientGroup(name);
        }

        connection.Groups.Add(group);
        group.Add(connection);
    }

    private void Leave(ClientConnection connection, string name)
    {
        if (_groups.TryGetValue(name, out var group) && connection.Groups.Remove(group))
        {
            Drop(connection, group);
        }
    }

    private void LeaveAll(ClientConnection connection)
    {
        foreach (var group in connection.Groups)
        {
            Drop(connection, group);
        }

        connection.Groups.Clear();
    }

    private void Drop(ClientConnection connection, ClientGroup group)
    {
        group.Remove(connection);
        if (group.IsEmpty)
        {
            _groups.TryRemove(group.Name, out _);
        }
    }
}
