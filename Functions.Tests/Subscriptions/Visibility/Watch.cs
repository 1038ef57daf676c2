namespace Serverless.Subscriptions.Visibility;

/// <summary>A subscription while it lasts, and what it may be told of each change.</summary>
/// <param name="Id">The number that the join was answered with.</param>
/// <param name="FirstSure">The first change that was committed after the join was answered; earlier ones may still be under way.</param>
internal sealed record Watch(RandomSubscriber Subscriber, string Topic, long Id, int FirstSure)
{
    /// <summary>By the change's number, every text that would be right; only nothing, where it has none.</summary>
    public Dictionary<int, HashSet<string>> Acceptable { get; } = [];

    /// <summary>The first change that was committed after it left; earlier ones may still have come.</summary>
    public int? FirstUnwanted { get; set; }

    /// <summary>
    /// A policy has failed for it. What else is judged together with such a change is not sent either, and that depends on
    /// timing, so from there on it may miss what it could see; what it may not see it still must not.
    /// </summary>
    public bool HasFailed { get; set; }

    public bool Concerns(int change) => FirstUnwanted is not { } end || change < end;

    public void Accept(int change, string text)
    {
        if (!Acceptable.TryGetValue(change, out var texts))
        {
            Acceptable.Add(change, texts = []);
        }

        texts.Add(text);
        if (change < FirstSure || FirstUnwanted is not null || HasFailed)
        {
            texts.Add(Canonical.Nothing);
        }
    }

    /// <summary>What is under way may come or not.</summary>
    public void Excuse(int drained)
    {
        foreach (var texts in Acceptable.Where(entry => entry.Key >= drained).Select(entry => entry.Value))
        {
            texts.Add(Canonical.Nothing);
        }
    }

    public override string ToString() =>
        $"{Topic} (id {Id}, user {Subscriber.User}) {Subscriber.Event} {(Subscriber.WantsAnyTable ? "of any table " : "")}filter '{Subscriber.Filter.Text}' [{Subscriber.Filter.Condition}] "
        + $"select {(Subscriber.Select is null ? "all" : string.Join(' ', Subscriber.Select))}{(Subscriber.Leave ? " leave" : "")} claims {Subscriber.ClaimsJson}";
}
