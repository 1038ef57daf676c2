using Serverless.Calls;

namespace Serverless.Topics;

/// <summary>The answers to those whom the policies of private topics keep out. They name the remedy and never a policy.</summary>
internal static class PrivateTopic
{
    public static ErrorAnswer MayNotSend { get; } = new(
        StatusCodes.Status403Forbidden,
        "Unauthorized",
        "You do not have permission to send to this private topic. An INSERT policy on realtime.messages has to allow it for this role and these claims.");

    public static ErrorAnswer MayNotHear { get; } = new(
        StatusCodes.Status403Forbidden,
        "Unauthorized",
        "You do not have permission to read from this private topic. A SELECT policy on realtime.messages has to allow it for this role and these claims.");
}
