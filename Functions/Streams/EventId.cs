using Serverless.ChangeLog;
using Serverless.Changes;

namespace Serverless.Streams;

/// <summary>A place in the stream as the <c>id</c> of an event: <c>epoch/position</c>.</summary>
internal static class EventId
{
    private const int MaxLength = 250;

    public static string Of(LogCursor cursor) => $"{cursor.Epoch}/{cursor.Position}";

    /// <returns>Null where the text is no such id.</returns>
    public static LogCursor? Parse(string text)
    {
        // A position has a slash of its own; an epoch has none.
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0
            && text.Length <= MaxLength
            && text.AsSpan(0, slash).IndexOfAnyExcept(_epochCharacters) < 0
            && ChangePosition.TryParse(text.AsSpan(slash + 1), out var position)
            ? new LogCursor(text[..slash], position)
            : null;
    }

    // It is written into the stream again, so that a line break in it would begin a line of the client's own making.
    private static readonly System.Buffers.SearchValues<char> _epochCharacters =
        System.Buffers.SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.");
}
