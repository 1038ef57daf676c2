namespace Serverless.Subscriptions.Matching;

/// <summary>Something to be found.</summary>
internal sealed class Entry;
