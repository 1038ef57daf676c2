namespace Serverless.Delivery;

/// <summary>What a token signed with the service's access key says.</summary>
/// <param name="Audiences">The URLs it is for.</param>
/// <param name="UserId">The SignalR user: <c>asrs.s.uid</c>, else <c>nameid</c>, else <c>sub</c>.</param>
internal sealed record AccessToken(IReadOnlyList<string> Audiences, string? UserId);
