using Serverless;
using Serverless.EmbeddedSignalR;

// "signalr" as the first argument runs the embedded SignalR service alone, for several app processes to share.
await using var app = args is ["signalr", .. var rest] ? EmbeddedSignalRProcess.Build(rest) : RealtimeApp.Build(args);

await app.RunAsync();
