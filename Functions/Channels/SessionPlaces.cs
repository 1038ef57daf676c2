using Microsoft.Extensions.Options;
using Serverless.Calls;

namespace Serverless.Channels;

/// <summary>Bounds the work of joining: one call of a session at a time, so many sessions at once, and so many calls that wait.</summary>
/// <remarks>
/// A session waits for itself before it takes a place, so that one that sends many calls keeps others from nothing. Who would be one too many to wait is refused at once: its
/// client calls again, where a queue without end would be served after everybody in it has given up.
/// </remarks>
internal sealed class SessionPlaces(IOptions<ChannelOptions> options) : IDisposable
{
    /// <summary>Calls of one session that may wait, beside the one that works.</summary>
    public const int MostOfSession = 16;

    /// <summary>Calls that may wait in this process.</summary>
    public const int Most = 2_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, Turn> _turns = [];
    private readonly SemaphoreSlim _places = new(options.Value.JoinsAtOnce);
    private int _waiting;

    /// <exception cref="RefusedCallException">Too many calls wait.</exception>
    public async Task<IDisposable> TakeAsync(Guid session, CancellationToken cancellationToken)
    {
        var turn = Enter(session);
        var isFirst = false;
        try
        {
            await turn.Own.WaitAsync(cancellationToken);
            isFirst = true;
            await _places.WaitAsync(cancellationToken);
        }
        catch
        {
            Leave(session, turn, isFirst);
            throw;
        }
        finally
        {
            lock (_lock)
            {
                _waiting--;
            }
        }

        return new Place(this, session, turn);
    }

    public void Dispose() => _places.Dispose();

    private Turn Enter(Guid session)
    {
        lock (_lock)
        {
            var turn = _turns.GetValueOrDefault(session);
            if (turn?.Calls > MostOfSession)
            {
                throw TooMany($"This session has {MostOfSession} calls waiting that change its channels. Send several channels in one call, or try again when some are answered.");
            }

            if (_waiting >= Most)
            {
                throw TooMany($"{Most} calls wait here to change channels. Try again in a moment.");
            }

            _turns[session] = turn ??= new Turn();
            turn.Calls++;
            _waiting++;
            return turn;
        }
    }

    private void Leave(Guid session, Turn turn, bool isFirst)
    {
        lock (_lock)
        {
            if (isFirst)
            {
                turn.Own.Release();
            }

            if (--turn.Calls == 0)
            {
                _turns.Remove(session);
                turn.Own.Dispose();
            }
        }
    }

    private static RefusedCallException TooMany(string message) => new(new ErrorAnswer(StatusCodes.Status429TooManyRequests, "TooManyCalls", message));

    /// <summary>A session's own queue, there while a call of the session is.</summary>
    private sealed class Turn
    {
        public SemaphoreSlim Own { get; } = new(1);

        /// <summary>Those that wait and the one that works. Read and written under the lock.</summary>
        public int Calls { get; set; }
    }

    private sealed class Place(SessionPlaces places, Guid session, Turn turn) : IDisposable
    {
        public void Dispose()
        {
            places._places.Release();
            places.Leave(session, turn, isFirst: true);
        }
    }
}
