using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Serverless.Delivery;

namespace Serverless.Bench;

/// <summary>
/// Where the measured pipeline ends: it keeps what each group is sent, knows when all that is expected has come, and afterwards finds out whether it was the right thing.
/// </summary>
internal sealed class CountingDelivery : IRealtimeDelivery
{
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, bool>> _members = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<(string Group, ReadOnlyMemory<byte> Arguments)> _sent = new();
    private TaskCompletionSource<long> _complete = new();
    private int _awaited = int.MaxValue;
    private int _changes;

    public int MaxArgumentsBytes => DeliveryLimits.MaxArgumentsBytes;

    public bool IsLocal => true;

    /// <summary>Expects so many changes beyond those expected before.</summary>
    /// <returns>Completes with the timestamp of the send that brought the last of them.</returns>
    public Task<long> ExpectAsync(int changes)
    {
        _complete = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        _awaited = (_awaited == int.MaxValue ? 0 : _awaited) + changes;
        return _complete.Task;
    }

    /// <summary>How many changes have come since the last <see cref="Verify"/>.</summary>
    public int Changes => Volatile.Read(ref _changes);

    /// <summary>Holds all that was sent against what should have been, and forgets it.</summary>
    /// <param name="owners">The user who alone may see each row, by the row's id.</param>
    /// <exception cref="InvalidOperationException">A row is missing, came twice, or went to somebody else.</exception>
    public void Verify(IReadOnlyDictionary<long, string> owners)
    {
        var seen = new HashSet<long>();
        while (_sent.TryDequeue(out var message))
        {
            Verify(message.Group, message.Arguments, owners, seen);
        }

        if (seen.Count != owners.Count)
        {
            throw new InvalidOperationException($"{owners.Count} rows were written and {seen.Count} delivered.");
        }

        (_changes, _awaited) = (0, int.MaxValue);
    }

    public Task SendToGroupAsync(string group, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken)
    {
        if (target != "postgres_changes")
        {
            _complete.TrySetException(new InvalidOperationException($"A group was sent '{target}': {System.Text.Encoding.UTF8.GetString(argumentsJson.Span)}"));
            return Task.CompletedTask;
        }

        _sent.Enqueue((group, argumentsJson));
        if (Interlocked.Add(ref _changes, argumentsJson.Span.Count("{\"position\":"u8)) >= Volatile.Read(ref _awaited))
        {
            _complete.TrySetResult(Stopwatch.GetTimestamp());
        }

        return Task.CompletedTask;
    }

    public Task SendToUserAsync(string userId, string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken) =>
        throw new InvalidOperationException($"A user was sent '{target}', and nothing here is for one user.");

    // Of how far the sending has come.
    public Task SendToAllAsync(string target, ReadOnlyMemory<byte> argumentsJson, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task AddUserToGroupAsync(string userId, string group, CancellationToken cancellationToken)
    {
        _members.GetOrAdd(group, _ => new(StringComparer.Ordinal))[userId] = true;
        return Task.CompletedTask;
    }

    public Task RemoveUserFromGroupAsync(string userId, string group, CancellationToken cancellationToken)
    {
        _members.GetValueOrDefault(group)?.TryRemove(userId, out _);
        return Task.CompletedTask;
    }

    public Task RemoveUserFromAllGroupsAsync(string userId, CancellationToken cancellationToken)
    {
        foreach (var group in _members.Values)
        {
            group.TryRemove(userId, out _);
        }

        return Task.CompletedTask;
    }

    public Task<bool> IsUserConnectedAsync(string userId, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task CloseUserConnectionsAsync(string userId, string reason, CancellationToken cancellationToken) => RemoveUserFromAllGroupsAsync(userId, cancellationToken);

    public Task<ClientAccess> GrantAccessAsync(string userId, Uri publicOrigin, TimeSpan lifetime, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Nobody connects to a measurement.");

    private void Verify(string group, ReadOnlyMemory<byte> arguments, IReadOnlyDictionary<long, string> owners, HashSet<long> seen)
    {
        using var document = JsonDocument.Parse(arguments);
        var body = document.RootElement[0];
        var number = "g" + body.GetProperty("ids")[0].GetInt64().ToString(CultureInfo.InvariantCulture);
        var members = _members.GetValueOrDefault(group)?.Keys;
        if (number != group || members is not { Count: 1 })
        {
            throw new InvalidOperationException($"Group {group} of {members?.Count ?? 0} members was sent the changes of {number}; each group here has one member.");
        }

        foreach (var change in body.GetProperty("changes").EnumerateArray())
        {
            var id = change.GetProperty("record").GetProperty("id").GetInt64();
            if (!owners.TryGetValue(id, out var owner) || !members.Contains(owner) || !seen.Add(id))
            {
                throw new InvalidOperationException($"Row {id} came twice, or to somebody who may not see it.");
            }
        }
    }
}
