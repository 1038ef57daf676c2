using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Serverless.Bus;
using Serverless.Changes;

namespace Serverless.Support;

/// <summary>
/// Plays Event Hubs and the Functions host: posts each batch as the host's envelope, a partition's one after another, chunked as the host sends them, and again
/// until it is answered with success. A partition's calls go to the instances that own it, which may be several at once, as while ownership moves.
/// </summary>
internal sealed class EnvelopeBus(Func<int, IReadOnlyList<HttpClient>> owners) : IChangeBus
{
    private readonly Task[] _tails = [.. Enumerable.Repeat(Task.CompletedTask, 4)];
    private readonly Lock _gate = new();

    public int PartitionCount => _tails.Length;

    public ValueTask<Task> PublishAsync(int partition, ChangeBatch batch, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var before = _tails[partition];
            return ValueTask.FromResult(_tails[partition] = PostAfterAsync(before, partition, batch, cancellationToken));
        }
    }

    private async Task PostAfterAsync(Task before, int partition, ChangeBatch batch, CancellationToken cancellationToken)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var envelope = TriggerEnvelopes.OfEvents(partition.ToString(CultureInfo.InvariantCulture), TriggerEnvelopes.Event(batch));
        await Task.WhenAll(owners(partition).Select(instance => PostAsync(instance, envelope, cancellationToken)));
    }

    private static async Task PostAsync(HttpClient instance, string envelope, CancellationToken cancellationToken)
    {
        // A stream of unknown length is sent chunked, without Content-Length.
        using var content = new StreamContent(new UnknownLengthStream(envelope));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        using var response = await instance.PostAsync("/changes", content, cancellationToken);
        response.EnsureSuccessStatusCode();
        (await response.Content.ReadAsStringAsync(cancellationToken)).Should().StartWith("{", "the host waits for ever for an answer that is no JSON object");
    }

    private sealed class UnknownLengthStream(string text) : MemoryStream(Encoding.UTF8.GetBytes(text))
    {
        public override bool CanSeek => false;
    }
}
