namespace Serverless.Subscriptions.FanOut;

/// <summary>What is carried from one question to the next while one run of a table's changes is judged.</summary>
/// <param name="isLastAttempt">Whether policies that cannot be evaluated fail for good, even if they may have been changed meanwhile.</param>
internal sealed class JudgedRun(bool isLastAttempt)
{
    private readonly HashSet<(string Role, string Claims)> _tooSlow = [];

    public bool IsLastAttempt { get; } = isLastAttempt;

    /// <summary>Records that the policies took too long for these claims: for the rest of the run they are not asked again, so that they hold up the others once.</summary>
    public void GiveUp(string role, string claims) => _tooSlow.Add((role, claims));

    public bool HasGivenUp(string role, string claims) => _tooSlow.Contains((role, claims));
}
