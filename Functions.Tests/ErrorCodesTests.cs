using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Serverless.Support;

namespace Serverless;

/// <summary>An operator who meets a log line finds it in docs/errors.md.</summary>
public sealed partial class ErrorCodesTests
{
    private static readonly IReadOnlyList<(int Id, string Name, LogLevel Level)> _logged =
    [
        .. from type in typeof(Serverless.Hosting.FunctionsPort).Assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
           let message = method.GetCustomAttribute<LoggerMessageAttribute>()
           where message is not null
           select (message.EventId, message.EventName ?? method.Name, message.Level),
    ];

    [Fact]
    public void Every_warning_and_error_is_in_the_register_and_nothing_else_is()
    {
        var register = RegisterRow().Matches(Checkout.Read("docs", "errors.md")).Select(row => $"{row.Groups[1].Value} {row.Groups[2].Value}");
        register.Should().Equal(_logged.Where(log => log.Level >= LogLevel.Warning).OrderBy(log => log.Id).Select(log => $"{log.Id} {log.Name}"));
    }

    [Fact]
    public void No_two_log_messages_share_an_id() =>
        _logged.GroupBy(log => log.Id).Where(group => group.Count() > 1).Select(group => group.Key).Should().BeEmpty();

    [Fact]
    public void Every_code_in_an_answer_is_in_the_register_and_nothing_else_is()
    {
        var used =
            from domain in new[] { "Auth", "Broadcast", "Calls", "Channels", "Delivery", "EmbeddedSignalR", "Hosting", "Presence", "Resume", "Streams", "Subscriptions", "Topics" }
            where Directory.Exists(Path.Combine(Checkout.FunctionsFolder, domain))
            from file in Directory.GetFiles(Path.Combine(Checkout.FunctionsFolder, domain), "*.cs", SearchOption.AllDirectories)
            from Match use in AnswerCode().Matches(File.ReadAllText(file))
            select use.Groups[1].Value;
        var register = AnswerRow().Matches(Checkout.Read("docs", "errors.md")).Select(row => row.Groups[1].Value).ToList();

        // The trigger endpoints answer the Functions host alone, and log what they answer.
        register.Should().Equal(used.Except(["EnvelopeUnreadable", "InvocationFailed"]).Distinct().Order(StringComparer.Ordinal));
    }

    // A code is the first text given to whatever makes an answer, or the one after its status; TokenErrors maps to codes by a switch.
    [GeneratedRegex("""(?:(?:BadRequest|Invalid|Unavailable|SubscriptionException|OfAnother\(\) => new|ErrorAnswer|code =)\(?\s*(?:StatusCodes\.\w+,\s*)?|=> |\? |: |Status\d{3}\w+,\s*)"([A-Z][a-zA-Z]{6,})"[,;\s)]""")]
    private static partial Regex AnswerCode();

    [GeneratedRegex(@"^\| `(\w+)` \| \d{3} \| \S", RegexOptions.Multiline)]
    private static partial Regex AnswerRow();

    [GeneratedRegex(@"^\| (\d+) \| `(\w+)` \| \S", RegexOptions.Multiline)]
    private static partial Regex RegisterRow();
}
