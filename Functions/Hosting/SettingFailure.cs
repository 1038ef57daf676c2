using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Serverless.Hosting;

/// <summary>Finds in an exception of the start what a person has to change: a sentence for each setting that is wrong.</summary>
internal static partial class SettingFailure
{
    /// <returns>Nothing where the failure is about no setting.</returns>
    public static IReadOnlyList<string> Describe(Exception failure) => failure switch
    {
        OptionsValidationException wrong => [.. wrong.Failures],
        AggregateException several => [.. several.InnerExceptions.SelectMany(Describe)],
        InvalidOperationException unreadable when Unreadable().Match(unreadable.Message) is { Success: true } match =>
            [$"{match.Groups["setting"].Value} is '{match.Groups["value"].Value}'; expected is {Expected(match.Groups["type"].Value)}."],
        _ => [],
    };

    private static string Expected(string type) => Type.GetType(type) switch
    {
        { IsEnum: true } choice => $"one of {string.Join(", ", Enum.GetNames(choice))}",
        { } other when other == typeof(TimeSpan) => "a span of time, written hh:mm:ss",
        { } other when other == typeof(bool) => "true or false",
        { } other when other == typeof(int) || other == typeof(long) => "a whole number",
        _ => $"a value of type {type}",
    };

    // What the configuration binder says of a value that has another form than its member; a test holds its words to this.
    [GeneratedRegex("^Failed to convert configuration value '(?<value>.*)' at '(?<setting>[^']*)' to type '(?<type>[^']*)'", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Unreadable();
}
