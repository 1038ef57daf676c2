namespace Serverless.Subscriptions;

/// <summary>A subscription that cannot be made, with what the developer should change.</summary>
/// <param name="code">Stable, listed in docs/errors.md.</param>
/// <param name="statusCode">The HTTP status of the answer.</param>
internal sealed class SubscriptionException(string code, int statusCode, string message) : Exception(message)
{
    public string Code { get; } = code;

    public int StatusCode { get; } = statusCode;

    public static SubscriptionException Invalid(string code, string message) => new(code, StatusCodes.Status400BadRequest, message);
}
