using System.Collections.Concurrent;
using Npgsql;
using Serverless.Calls;
using Serverless.Database;

namespace Serverless.Presence;

/// <summary>Keeps a subject's session from other subjects: it belongs to whoever first joined with it.</summary>
/// <remarks>An owner never changes, so it is read once.</remarks>
internal sealed class SessionOwners([FromKeyedServices(DatabaseServices.ForPresence)] NpgsqlDataSource dataSource)
{
    private const int MostKept = 50_000;

    private readonly ConcurrentDictionary<Guid, string> _owners = new();

    /// <exception cref="RefusedCallException">The session belongs to somebody else.</exception>
    public async Task RequireAsync(Guid session, string? subject, CancellationToken cancellationToken)
    {
        if (subject is not null && await FindAsync(session, cancellationToken) is { } owner && owner != subject)
        {
            throw new RefusedCallException(new ErrorAnswer(
                StatusCodes.Status403Forbidden, "SessionMismatch", "The session belongs to another user. Negotiate again, with this user's token."));
        }
    }

    private async Task<string?> FindAsync(Guid session, CancellationToken cancellationToken)
    {
        if (_owners.TryGetValue(session, out var known))
        {
            return known;
        }

        await using var command = dataSource.CreateCommand("select subject from serverless_realtime.session where id = $1");
        command.Parameters.AddWithValue(session);
        if (await command.ExecuteScalarAsync(cancellationToken) is not string owner)
        {
            return null;
        }

        if (_owners.Count >= MostKept)
        {
            _owners.Clear();
        }

        _owners[session] = owner;
        return owner;
    }
}
