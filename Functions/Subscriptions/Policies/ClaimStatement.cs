using System.Security.Cryptography;
using System.Text;

namespace Serverless.Subscriptions.Policies;

/// <summary>A statement that is executed once for each claim set and answers with one text.</summary>
/// <param name="Name">What it is prepared as; the same for the same text and role only, so that each role has a plan of its own.</param>
internal sealed record ClaimStatement(string Name, string Sql, string Role)
{
    public static ClaimStatement Create(string sql, string role) =>
        new("sr_policy_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(role + '\0' + sql)))[..40], sql, role);
}
