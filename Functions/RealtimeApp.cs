using Serverless.Auth;
using Serverless.Broadcast;
using Serverless.Bus;
using Serverless.Calls;
using Serverless.Capture;
using Serverless.ChangeLog;
using Serverless.Channels;
using Serverless.Database;
using Serverless.Delivery;
using Serverless.Demo;
using Serverless.EmbeddedSignalR;
using Serverless.Hosting;
using Serverless.Presence;
using Serverless.Resume;
using Serverless.Streams;
using Serverless.Subscriptions;
using Serverless.Topics;

namespace Serverless;

/// <summary>The app's table of contents: one line a domain, in the order of a change's path.</summary>
internal static class RealtimeApp
{
    /// <param name="replace">Registrations that take the place of the app's own: a measurement's, at the process's edge.</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? replace = null)
    {
        var builder = WebApplication.CreateSlimBuilder(args);

        builder.UseFunctionsPort();     // Hosting: listen where the Functions host tells us to
        builder.AddHosting();
        builder.AddAuth();
        builder.AddDatabase();          // migrates, says when it is ready
        builder.AddBus();               // in process, or Event Hubs through the host's trigger
        builder.AddCapture();           // the write-ahead log to the bus
        builder.AddChangeLog();
        builder.AddSubscriptions();     // the change function: registry, matching, fan-out
        builder.AddDelivery();          // Azure SignalR where a connection string is given
        builder.AddEmbeddedSignalR();   // and otherwise inside the process
        builder.AddCalls();             // what every client's call brings, and how many there may be
        builder.AddTopics();            // which topics are joined, and who may use the private ones
        builder.AddBroadcast();         // messages of clients, of servers, of SQL
        builder.AddPresence();          // who is present on topics
        builder.AddChannels();          // negotiate, join, leave
        builder.AddResume();            // row changes that were missed
        builder.AddStreams();           // row changes as server-sent events
        replace?.Invoke(builder);

        var app = builder.Build();

        app.UseHosting();
        app.MapChannels();
        app.MapResume();
        app.MapStreams();
        app.MapBroadcast();
        app.MapPresence();
        app.MapHealth();
        app.MapChangesTrigger();
        app.MapEmbeddedSignalR();
        app.MapDemo();

        return app;
    }
}
