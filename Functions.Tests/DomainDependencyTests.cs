using System.Text.RegularExpressions;
using Serverless.Support;

namespace Serverless;

/// <summary>Who may use whom. A new entry is a design decision: give its reason in the commit.</summary>
public sealed partial class DomainDependencyTests
{
    private static readonly Dictionary<string, string[]> _allowed = new()
    {
        ["Auth"] = [],
        ["Bus"] = ["Changes"],
        ["Capture"] = ["Changes", "Bus", "Database"],
        ["ChangeLog"] = ["Changes", "Database"],
        ["Broadcast"] = ["Calls", "Topics", "Subscriptions", "Changes", "Delivery", "Auth"],
        ["Calls"] = ["Auth", "Delivery", "Subscriptions"],
        ["Changes"] = [],
        // The sweep trims the log along with the registry; a join is refused where the bus brings no changes to.
        ["Channels"] = ["Broadcast", "Presence", "Calls", "Topics", "Subscriptions", "Delivery", "Auth", "Database", "ChangeLog", "Bus"],
        ["Database"] = [],
        ["Delivery"] = [],
        ["Demo"] = [],
        ["EmbeddedSignalR"] = ["Delivery"],
        // Turns the Functions host's envelopes into calls of a domain, so that no domain knows how it is hosted;
        // and says whether the database is ready.
        ["Hosting"] = ["Bus", "Database", "Delivery"],
        // Claims are named as subscriptions name them; only where changes reach this process do its embedded clients, who are told who has gone.
        ["Presence"] = ["Calls", "Topics", "Subscriptions", "Delivery", "Auth", "Database", "Bus"],
        ["Resume"] = ["Calls", "Subscriptions", "ChangeLog", "Changes", "Delivery", "Bus"],
        // Subscribes as a join does, and reads the log as a resume does; rows are cut short where a send would cut them.
        ["Streams"] = ["Calls", "Auth", "Subscriptions", "Resume", "ChangeLog", "Changes", "Delivery"],
        ["Subscriptions"] = ["Changes", "ChangeLog", "Delivery", "Database", "Auth"],
        ["Topics"] = ["Calls", "Database"],
    };

    [Fact]
    public void A_domain_uses_only_the_domains_it_is_allowed()
    {
        var offending =
            from domain in Directory.GetDirectories(Checkout.FunctionsFolder).Select(folder => Path.GetFileName(folder)).Where(_allowed.ContainsKey)
            from file in SourcesOf(domain)
            from Match use in DomainUse().Matches(File.ReadAllText(file))
            let used = use.Groups[1].Value
            where used != domain && !_allowed[domain].Contains(used)
            select $"{Path.GetFileName(file)} ({domain}) uses {used}";

        offending.Should().BeEmpty();
    }

    [Fact]
    public void Every_folder_with_code_is_a_domain_named_above() =>
        Directory.GetDirectories(Checkout.FunctionsFolder).Select(folder => Path.GetFileName(folder))
            .Where(name => name is not ("bin" or "obj") && SourcesOf(name).Length > 0)
            .Should().BeSubsetOf(_allowed.Keys);

    [Fact]
    public void Code_lives_in_the_namespace_of_its_folder()
    {
        var offending =
            from domain in _allowed.Keys.Where(name => Directory.Exists(Path.Combine(Checkout.FunctionsFolder, name)))
            from file in SourcesOf(domain)
            where !Regex.IsMatch(File.ReadAllText(file), $@"^namespace Serverless\.{domain}[.;]", RegexOptions.Multiline)
            select file;

        offending.Should().BeEmpty();
    }

    [Fact]
    public void What_is_allowed_has_no_circle()
    {
        var free = new HashSet<string>();
        while (_allowed.FirstOrDefault(domain => !free.Contains(domain.Key) && domain.Value.All(free.Contains)).Key is { } next)
        {
            free.Add(next);
        }

        free.Should().BeEquivalentTo(_allowed.Keys);
    }

    private static string[] SourcesOf(string domain) =>
        Directory.GetFiles(Path.Combine(Checkout.FunctionsFolder, domain), "*.cs", SearchOption.AllDirectories);

    // A using, an alias, or a name written out; not the file's own namespace line and not the assembly's name in a text.
    [GeneratedRegex(@"(?<!^namespace )(?<![\w.""])Serverless\.([A-Z]\w+)(?=[.;])", RegexOptions.Multiline)]
    private static partial Regex DomainUse();
}
