using Npgsql;
using Serverless.Delivery;
using Serverless.Subscriptions;

namespace Serverless.Calls;

/// <summary>Turns what may go wrong in a call into its answer, in one place.</summary>
internal sealed partial class FailureAnswers(ILogger<FailureAnswers> logger) : IEndpointFilter
{
    public static ErrorAnswer DatabaseUnavailable { get; } = Unavailable("DatabaseUnavailable", "The database did not take the call. Try again in a moment.");

    public static ErrorAnswer InternalError { get; } =
        new(StatusCodes.Status500InternalServerError, "InternalError", "The call failed for a reason that is ours; the service's log has it.");

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (RefusedCallException ex)
        {
            return ex.Answer.ToResult();
        }
        catch (SubscriptionException ex)
        {
            return ErrorAnswer.For(ex).ToResult();
        }
        catch (BadHttpRequestException ex)
        {
            return new ErrorAnswer(ex.StatusCode, ex.StatusCode == StatusCodes.Status413PayloadTooLarge ? "BodyTooLarge" : "InvalidBody", ex.Message).ToResult();
        }
        catch (DeliveryException ex)
        {
            Log.SignalRUnavailable(logger, ex);
            return Unavailable("SignalRUnavailable", "The SignalR service did not take the call. Try again in a moment.").ToResult();
        }
        catch (NpgsqlException ex)
        {
            Log.DatabaseUnavailable(logger, ex);
            return DatabaseUnavailable.ToResult();
        }
    }

    private static ErrorAnswer Unavailable(string code, string message) => new(StatusCodes.Status503ServiceUnavailable, code, message);

    private static partial class Log
    {
        [LoggerMessage(5001, LogLevel.Warning, "A client's call failed because the SignalR service did not answer as it should; the client was told to try again.")]
        public static partial void SignalRUnavailable(ILogger logger, Exception exception);

        [LoggerMessage(5002, LogLevel.Warning, "A client's call failed because of the database; the client was told to try again.")]
        public static partial void DatabaseUnavailable(ILogger logger, Exception exception);
    }
}
