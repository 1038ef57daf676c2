using Microsoft.AspNetCore.SignalR;

namespace Serverless.EmbeddedSignalR;

/// <summary>
/// The hub that clients connect to. It has no methods, as a serverless service without an upstream for messages has none: a client's
/// invocation is answered with an error.
/// </summary>
internal sealed class ClientHub : Hub;
