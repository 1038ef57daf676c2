using System.Security.Cryptography;
using System.Text;

namespace Serverless.Topics;

/// <summary>The SignalR groups of a topic. The public and the private topic of one name are different topics, and presence is heard apart from broadcasts.</summary>
/// <remarks>A digest, because a topic may hold any character and a group's name stands in a URL.</remarks>
internal static class TopicGroups
{
    public static string Broadcast(string topic, bool isPrivate) => Name(isPrivate ? "pb" : "b", topic);

    public static string Presence(string topic, bool isPrivate) => Name(isPrivate ? "pp" : "p", topic);

    private static string Name(string prefix, string topic) => $"{prefix}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(topic)))}";
}
