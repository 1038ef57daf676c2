using Microsoft.Extensions.Options;

namespace Serverless.Presence.Tables;

/// <summary>Ends what rows say of users who no longer do: typing, and being there.</summary>
internal sealed class PresenceTableSweep(SweepTurn sweeps, PresenceTables tables, IOptions<PresenceOptions> options)
{
    /// <summary>Sweeps, unless another instance does.</summary>
    /// <param name="isSilenceDue">Whether this time those who are gone are looked for, and not only those who type.</param>
    public Task SweepAsync(bool isSilenceDue, CancellationToken cancellationToken) => sweeps.RunAsync(
        1,
        async _ =>
        {
            await tables.EndTypingAsync(cancellationToken);
            if (isSilenceDue)
            {
                await tables.MarkSilentAsync(options.Value.Timeout, cancellationToken);
            }
        },
        cancellationToken);
}
