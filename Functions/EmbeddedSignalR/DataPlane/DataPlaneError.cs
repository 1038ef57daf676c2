namespace Serverless.EmbeddedSignalR.DataPlane;

/// <summary>An error answer of the data plane: Azure's body and header.</summary>
internal sealed class DataPlaneError(int status, string code, string message, string? target = null) : IResult
{
    public static DataPlaneError Invalid(string target, string message) => new(StatusCodes.Status400BadRequest, "InvalidArgument", message, target);

    public static DataPlaneError NotFound(string what) => new(StatusCodes.Status404NotFound, "NotFound", $"There is no such {what}.", what);

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        httpContext.Response.Headers["x-ms-error-code"] = code;
        return HttpMethods.IsHead(httpContext.Request.Method)
            ? Task.CompletedTask
            : httpContext.Response.WriteAsJsonAsync(
                new { code, message, target, details = Array.Empty<object>(), inner = (object?)null }, httpContext.RequestAborted);
    }
}
