using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Serverless.Bus;
using Serverless.ChangeLog;
using Serverless.Delivery;

namespace Serverless.Resume;

/// <summary>Tells every client now and then how far the sending has come, so that one that hears nothing for long still knows from where to resume.</summary>
/// <remarks>
/// What is told is a little old: SignalR promises no order between a message to everybody and an earlier one to a group, and a client that was told too early would not ask for
/// what it then misses. A new epoch is told at once, since to those who hear nothing it would otherwise be a gap that nobody mentions.
/// </remarks>
internal sealed partial class ProgressService(
    ChangeFeed feed, IRealtimeDelivery delivery, IOptions<ChangeLogOptions> options, TimeProvider time, ILogger<ProgressService> logger) : BackgroundService
{
    private static readonly TimeSpan _age = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var every = options.Value.ProgressEvery;
        using var timer = new PeriodicTimer(every < _age ? every : _age, time);
        FeedProgress? earlier = null;
        FeedProgress? told = null;
        var toldAt = time.GetTimestamp();
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var due = earlier;
            earlier = feed.Progress;
            if (due is null || (due.Epoch == told?.Epoch && (due.Before == told.Before || time.GetElapsedTime(toldAt) < every)))
            {
                continue;
            }

            try
            {
                await delivery.SendToAllAsync("progress", Arguments(LogCursor.Before(due.Epoch, due.Before)), stoppingToken);
                (told, toldAt) = (due, time.GetTimestamp());
            }
            catch (DeliveryException ex)
            {
                Log.ProgressNotTold(logger, ex);
            }
        }
    }

    private static ReadOnlyMemory<byte> Arguments(LogCursor cursor) =>
        System.Text.Encoding.UTF8.GetBytes($"[{{\"epoch\":\"{JsonEncodedText.Encode(cursor.Epoch, JavaScriptEncoder.Default)}\",\"position\":\"{cursor.Position}\"}}]");

    private static partial class Log
    {
        [LoggerMessage(3501, LogLevel.Warning, "Clients could not be told how far the sending has come; it is tried again in a moment.")]
        public static partial void ProgressNotTold(ILogger logger, Exception exception);
    }
}
