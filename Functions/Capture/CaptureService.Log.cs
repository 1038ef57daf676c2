namespace Serverless.Capture;

internal sealed partial class CaptureService
{
    private static partial class Log
    {
        [LoggerMessage(2000, LogLevel.Information, "Capture is switched off in this process (Capture:Enabled is false).")]
        public static partial void Disabled(ILogger logger);

        [LoggerMessage(2001, LogLevel.Debug, "Replication slot '{Slot}' is streamed by another process; standing by.")]
        public static partial void StandingBy(ILogger logger, string slot);

        [LoggerMessage(2002, LogLevel.Warning, "The session on replication slot '{Slot}' ended and will be reopened. {Reason}")]
        public static partial void SessionEnded(ILogger logger, string slot, string reason);

        [LoggerMessage(2003, LogLevel.Error, "The session on replication slot '{Slot}' failed in a way that was not foreseen; it will be reopened.")]
        public static partial void SessionFailed(ILogger logger, Exception exception, string slot);

        [LoggerMessage(2004, LogLevel.Warning,
            "Publication '{Publication}' does not exist, so there is nothing to capture. Run the migrations, or create it with 'create publication'.")]
        public static partial void PublicationMissing(ILogger logger, string publication);

        [LoggerMessage(2005, LogLevel.Information, "The database server ended the stream of replication slot '{Slot}', as it does when it shuts down; it will be reopened.")]
        public static partial void StreamEnded(ILogger logger, string slot);
    }
}
