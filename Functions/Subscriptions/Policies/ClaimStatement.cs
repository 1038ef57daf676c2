using System.Security.Cryptography;
using System.Text;

namespace Serverless.Subscriptions.Policies;

/// <summary>A statement that is executed once for each claim set and answers with one text.</summary>
/// <param name="Name">What it is prepared as; the same for the same text and role only, so that each role has a plan of its own.</param>
/// <param name="Table">The table whose policies it is of.</param>
/// <param name="ClaimFunctions">See <see cref="TablePolicy.ClaimFunctions"/>.</param>
internal sealed record ClaimStatement(string Name, string Sql, string Role, uint Table, string[] ClaimFunctions)
{
    public static ClaimStatement Create(string sql, TablePolicy policy) => new(
        "sr_policy_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(policy.Role + '\0' + sql)))[..40], sql, policy.Role, policy.Table, [.. policy.ClaimFunctions]);
}
