using Microsoft.Extensions.Options;

namespace Serverless.Auth.Keys;

/// <summary>The keys of a JWK set at an address, fetched when a token needs them.</summary>
/// <remarks>
/// Nothing is fetched before the first RS256 or ES256 token comes. From then on the set is fetched anew when it is older than its lifetime,
/// or when a token names a key that it does not have: most likely its issuer has begun to use a new one. There is one fetch at a time, which all
/// who need it wait for, and after its beginning none for the shortest interval; so tokens with invented names, however many, cost one fetch
/// an interval, and a stranger's flood is not passed on to the issuer. Where a fetch fails, the last good set goes on until its greatest age,
/// and whoever names a key of it waits for none of the fetches after that. A token signed with the secret never comes here.
/// Ages are by the wall clock, which runs while a machine is suspended.
/// </remarks>
internal sealed partial class JwksCache(JwksDownload download, IOptions<TokenKeyOptions> options, TimeProvider time, ILogger<JwksCache> logger)
    : IVerificationKeys, IDisposable
{
    private readonly TokenKeyOptions _options = options.Value;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private volatile FetchedKeys? _lastGood;
    private volatile bool _failing;
    private Task _fetch = Task.CompletedTask;
    private DateTimeOffset? _begunAt;

    public async ValueTask<KeyChoice> ChooseAsync(string algorithm, string? keyId, CancellationToken cancellationToken)
    {
        var choice = Choose(algorithm, keyId, out var isFresh);
        if (isFresh && choice.Error is not TokenError.UnknownKey)
        {
            return choice;
        }

        var fetch = FetchUnlessJustDone();
        if (choice.Key is null || !_failing)
        {
            await fetch.WaitAsync(cancellationToken);
        }

        choice = Choose(algorithm, keyId, out _);
        return choice.Error == TokenError.UnknownKey && _failing ? KeyChoice.None(TokenError.KeysUnavailable) : choice;
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private KeyChoice Choose(string algorithm, string? keyId, out bool isFresh)
    {
        isFresh = false;
        var keys = _lastGood;
        var age = keys?.Age(time.GetUtcNow());
        if (!(age < _options.JwksMaxAge))
        {
            return KeyChoice.None(TokenError.KeysUnavailable);
        }

        isFresh = age < _options.JwksLifetime;
        return keys!.Set.Choose(algorithm, keyId);
    }

    /// <returns>The fetch to wait for; one that is over, where it is too early for another.</returns>
    private Task FetchUnlessJustDone()
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (_fetch.IsCompleted && !(_begunAt is { } last && (now - last).Duration() < _options.JwksMinInterval))
            {
                _begunAt = now;
                _fetch = Task.Run(() => FetchAsync(now));
            }

            return _fetch;
        }
    }

    private async Task FetchAsync(DateTimeOffset now)
    {
        try
        {
            var set = await download.FetchAsync(_stopping.Token);
            _lastGood = new FetchedKeys(set, now);
            _failing = false;
            LogFetched(set);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The process ends.
        }
        catch (Exception ex)
        {
            // Whatever it is: those who wait are to go on with the keys that there are.
            _failing = true;
            Log.KeysNotFetched(logger, ex, download.Address);
        }
    }

    private void LogFetched(JsonWebKeySet set)
    {
        var unusable = set.Unusable.Count > 0 ? string.Join("; ", set.Unusable) : "none";
        if (set.Keys.Count == 0)
        {
            Log.NoKeyUsable(logger, download.Address, unusable);
        }
        else
        {
            Log.KeysFetched(logger, set.Keys.Count, download.Address, unusable);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(7501, LogLevel.Warning, "The keys of tokens could not be fetched from '{Address}'. Those fetched before are used as long as they may be.")]
        public static partial void KeysNotFetched(ILogger logger, Exception exception, string address);

        [LoggerMessage(7502, LogLevel.Warning, "The key set at '{Address}' has no key that can be used, so RS256 and ES256 tokens are refused. Left out: {Unusable}")]
        public static partial void NoKeyUsable(ILogger logger, string address, string unusable);

        [LoggerMessage(7503, LogLevel.Information, "{Count} keys of tokens were fetched from '{Address}'. Left out: {Unusable}")]
        public static partial void KeysFetched(ILogger logger, int count, string address, string unusable);
    }
}
