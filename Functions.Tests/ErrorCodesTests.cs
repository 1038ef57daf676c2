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

    [GeneratedRegex(@"^\| (\d+) \| `(\w+)` \| \S", RegexOptions.Multiline)]
    private static partial Regex RegisterRow();
}
