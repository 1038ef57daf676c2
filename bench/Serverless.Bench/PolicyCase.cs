using System.Globalization;

namespace Serverless.Bench;

/// <summary>A policy, and what its subscribers ask for. Of each row one of them may see, and gets, it.</summary>
/// <param name="Policy">The policy's expression on table <c>notes</c>.</param>
/// <param name="FilterOf">A subscriber's filter; null for none.</param>
internal sealed record PolicyCase(string Name, string Policy, Func<Subscriber, string>? FilterOf)
{
    private const string Own = "user_id = auth.uid()";
    private const string Membership = "room_id in (select room_id from memberships where user_id = auth.uid())";

    public static IReadOnlyList<PolicyCase> All { get; } =
    [
        new("own", Own, null),
        new("own_filtered", Own, subscriber => $"user_id=eq.{subscriber.User}"),
        new("membership", Membership, subscriber => string.Create(CultureInfo.InvariantCulture, $"room_id=eq.{subscriber.Room}")),
        new("membership_unfiltered", Membership, null),
    ];

    public string Schema =>
        $"""
        create table notes (
          id bigint primary key, user_id uuid not null, room_id int not null, body text not null, created_at timestamptz not null default now());
        create table memberships (user_id uuid, room_id int, primary key (user_id, room_id));
        alter table notes enable row level security;
        alter table memberships enable row level security;
        create policy readers on notes for select to authenticated using ({Policy});
        create policy members on memberships for select to authenticated using (user_id = (select auth.uid()));
        grant select on notes, memberships to authenticated;
        select serverless_realtime.enable('notes');
        """;
}
