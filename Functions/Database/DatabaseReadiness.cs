namespace Serverless.Database;

/// <summary>Tells when the database has answered and our schema is up to date, for those who need it before they begin.</summary>
internal sealed class DatabaseReadiness
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsReady => _ready.Task.IsCompletedSuccessfully;

    public Task WhenReadyAsync(CancellationToken cancellationToken) => _ready.Task.WaitAsync(cancellationToken);

    public void SetReady() => _ready.TrySetResult();
}
