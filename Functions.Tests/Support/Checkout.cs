using System.Runtime.CompilerServices;

namespace Serverless.Support;

/// <summary>Files of the checkout that the tests were built from.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    public static string FunctionsFolder { get; } = Path.Combine(Root, "Functions");

    public static string TriggersFolder { get; } = Path.Combine(FunctionsFolder, "Hosting", "Triggers");

    /// <summary>The configuration, Debug or Release, in which this assembly and the app beside it were built.</summary>
    public static string Configuration { get; } = Directory.GetParent(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar))!.Name;

    public static string Read(params string[] path) => File.ReadAllText(Path.Combine([Root, .. path]));

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
