namespace Serverless.Calls;

/// <summary>A call that is not served, with the answer that says why.</summary>
internal sealed class RefusedCallException(ErrorAnswer answer) : Exception(answer.Message)
{
    public ErrorAnswer Answer { get; } = answer;
}
