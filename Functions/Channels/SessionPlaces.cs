using Microsoft.Extensions.Options;

namespace Serverless.Channels;

/// <summary>Bounds the work of joining: one call of a session at a time, and so many sessions at once.</summary>
/// <remarks>A session waits for itself before it takes a place, so that one that sends many calls keeps others from nothing.</remarks>
internal sealed class SessionPlaces(IOptions<ChannelOptions> options) : IDisposable
{
    private readonly SemaphoreSlim[] _sessions = [.. Enumerable.Range(0, 256).Select(_ => new SemaphoreSlim(1))];
    private readonly SemaphoreSlim _places = new(options.Value.JoinsAtOnce);

    public async Task<IDisposable> TakeAsync(Guid session, CancellationToken cancellationToken)
    {
        var own = _sessions[(uint)session.GetHashCode() % (uint)_sessions.Length];
        await own.WaitAsync(cancellationToken);
        try
        {
            await _places.WaitAsync(cancellationToken);
        }
        catch
        {
            own.Release();
            throw;
        }

        return new Place(own, _places);
    }

    public void Dispose()
    {
        _places.Dispose();
        foreach (var session in _sessions)
        {
            session.Dispose();
        }
    }

    private sealed class Place(SemaphoreSlim own, SemaphoreSlim places) : IDisposable
    {
        public void Dispose()
        {
            places.Release();
            own.Release();
        }
    }
}
