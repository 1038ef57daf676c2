using System.Text.RegularExpressions;

namespace Serverless.Delivery;

/// <summary>Which names a hub may have.</summary>
internal static partial class HubName
{
    // The pattern of the data plane's API description, version 2022-06-01.
    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();

    public static bool IsValid(string name) => Pattern().IsMatch(name);
}
