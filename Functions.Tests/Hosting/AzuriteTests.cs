using System.Net;
using Serverless.Support;

namespace Serverless.Hosting;

/// <summary>The storage that the settings sample gives the Functions host is there and takes what the host does with it.</summary>
public sealed class AzuriteTests
{
    // Where the host keeps its leases and keys.
    private const string HostsContainer = "azure-webjobs-hosts";

    private static readonly SortedDictionary<string, string> _container = new() { ["restype"] = "container" };
    private static readonly SortedDictionary<string, string> _list = new() { ["comp"] = "list" };

    [Fact]
    public async Task The_samples_storage_lets_the_host_make_and_find_its_container()
    {
        using var azurite = await Azurite.StartAsync();
        var account = StorageAccount.Parse(LocalSettings.Values["AzureWebJobsStorage"], azurite.Port);
        using var client = new HttpClient();

        using var made = await client.SendAsync(account.Sign(HttpMethod.Put, HostsContainer, _container, TimeProvider.System.GetUtcNow()));
        made.StatusCode.Should().Be(HttpStatusCode.Created);

        using var found = await client.SendAsync(account.Sign(HttpMethod.Get, "", _list, TimeProvider.System.GetUtcNow()));
        found.StatusCode.Should().Be(HttpStatusCode.OK);
        (await found.Content.ReadAsStringAsync()).Should().Contain($"<Name>{HostsContainer}</Name>");
    }

    [Fact]
    public async Task Another_key_is_refused()
    {
        using var azurite = await Azurite.StartAsync();
        var account = StorageAccount.Parse(LocalSettings.Values["AzureWebJobsStorage"], azurite.Port) with { Key = new byte[64] };
        using var client = new HttpClient();

        using var refused = await client.SendAsync(account.Sign(HttpMethod.Put, HostsContainer, _container, TimeProvider.System.GetUtcNow()));

        refused.StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }
}
