using Serverless;
using Serverless.EmbeddedSignalR;
using Serverless.Hosting;

// "signalr" as the first argument runs the embedded SignalR service alone, for several app processes to share.
return await CheckedStart.RunAsync(() => args is ["signalr", .. var rest] ? EmbeddedSignalRProcess.Build(rest) : RealtimeApp.Build(args));
