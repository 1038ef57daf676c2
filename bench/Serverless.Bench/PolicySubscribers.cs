using System.Globalization;
using Npgsql;
using Serverless.Delivery;
using Serverless.Subscriptions;
using Serverless.Subscriptions.Matching;
using Serverless.Subscriptions.Registry;

namespace Serverless.Bench;

/// <summary>The subscribers of one case, in the registry as joins put them there.</summary>
/// <remarks>A join's checks of a request against the catalogs are made for the first and the last of each lot; what comes of them for the others differs in their user and room only.</remarks>
internal sealed class PolicySubscribers(PolicyCase policy, NpgsqlDataSource dataSource, SubscriptionResolver resolver, IRealtimeDelivery delivery)
{
    private const int AtOnce = 8;

    private readonly Random _random = new(1);
    private readonly List<Subscriber> _all = [];

    public IReadOnlyList<Subscriber> All => _all;

    /// <summary>Registers more, until there are so many.</summary>
    public async Task GrowAsync(int count)
    {
        List<Subscriber> added = [.. Enumerable.Range(_all.Count, count - _all.Count).Select(number => Subscriber.Create(number, _random))];
        _all.AddRange(added);
        await AddMembershipsAsync(added);
        var (first, last) = (await ResolveAsync(added[0]), await ResolveAsync(added[^1]));
        if (Like(first, added[0], added[^1]).Definition.ToJson() != last.Definition.ToJson())
        {
            throw new InvalidOperationException("Two subscribers' definitions differ in more than their user and room, so the others' cannot be made from one.");
        }

        await Parallel.ForEachAsync(
            added,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
            async (subscriber, token) => await RegisterAsync(subscriber, Like(first, added[0], subscriber), token));
    }

    private async Task AddMembershipsAsync(List<Subscriber> added)
    {
        await using var command = dataSource.CreateCommand("insert into memberships select * from unnest($1, $2)");
        command.Parameters.AddWithValue(added.Select(subscriber => subscriber.User).ToArray());
        command.Parameters.AddWithValue(added.Select(subscriber => subscriber.Room).ToArray());
        await command.ExecuteNonQueryAsync();
        command.CommandText = "analyze memberships";
        command.Parameters.Clear();
        await command.ExecuteNonQueryAsync();
    }

    private async Task<ResolvedSubscription> ResolveAsync(Subscriber subscriber)
    {
        await using var connection = await dataSource.OpenConnectionAsync();
        var request = new SubscriptionRequest { Event = "*", Schema = "public", Table = "notes", Filter = policy.FilterOf?.Invoke(subscriber) };
        return await resolver.ResolveAsync(connection, request, Subscriber.Role, subscriber.Claims, CancellationToken.None);
    }

    private ResolvedSubscription Like(ResolvedSubscription resolved, Subscriber model, Subscriber subscriber) => resolved with
    {
        Definition = resolved.Definition with
        {
            ClaimsKey = subscriber.Claims.HexKey,
            Filter = resolved.Definition.Filter?
                .Replace(model.User.ToString(), subscriber.User.ToString(), StringComparison.Ordinal)
                .Replace(Text(model.Room), Text(subscriber.Room), StringComparison.Ordinal),
        },
        Request = resolved.Request with { Filter = policy.FilterOf?.Invoke(subscriber) },
    };

    private async Task RegisterAsync(Subscriber subscriber, ResolvedSubscription resolved, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        var registration = new ChannelRegistration(
            subscriber.Session, subscriber.Caller.Subject, "notes", Subscriber.Role, subscriber.Claims, subscriber.Caller.ExpiresAt, [resolved]);
        var registered = await SubscriptionRegistry.RegisterAsync(connection, registration, cancellationToken);
        await delivery.AddUserToGroupAsync(subscriber.ConnectionUser, SubscriberGroup.NameOf(registered[0].Number), cancellationToken);
    }

    private static string Text(int room) => room.ToString(CultureInfo.InvariantCulture);
}
