using System.Text.RegularExpressions;

namespace Serverless.Support;

/// <summary>The route table of docs/protocol.md: what the service promises to answer.</summary>
internal static partial class ProtocolRoutes
{
    public static IReadOnlyList<(string Method, string Route, string Function)> Read() =>
        [.. Row().Matches(Checkout.Read("docs", "protocol.md")).Select(row => (row.Groups[1].Value, row.Groups[2].Value, row.Groups[3].Value))];

    [GeneratedRegex(@"^\| ([A-Z]+) \| `(/[^`]*)` \| `([^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
