using Serverless.Bus.EventHubs;

namespace Serverless.Hosting;

/// <summary>The function <c>changes</c>: the Functions host's Event Hubs trigger feeds the change function.</summary>
internal static class ChangesTrigger
{
    /// <summary>Maps <c>POST /changes</c>, where a Functions host is present; nothing otherwise.</summary>
    public static void MapChangesTrigger(this WebApplication app)
    {
        if (FunctionsHost.From(app.Configuration).IsPresent)
        {
            var receiver = ActivatorUtilities.CreateInstance<EventHubsReceiver>(app.Services);
            app.MapTrigger("changes", (body, cancellationToken) =>
            {
                var envelope = EventHubsEnvelope.Read(body);
                return receiver.HandleAsync(envelope.Partition, envelope.Events, cancellationToken);
            });
        }
    }
}
