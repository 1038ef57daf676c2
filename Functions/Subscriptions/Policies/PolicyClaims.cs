using System.Text.RegularExpressions;
using Serverless.Subscriptions.Policies.Reduction;

namespace Serverless.Subscriptions.Policies;

/// <summary>Tells whether policies can treat two subscribers of one role differently.</summary>
internal static partial class PolicyClaims
{
    /// <summary>
    /// False only where it is certain that they cannot: every part compares columns with constants. A call of a function, a setting, a sub-select may bring in claims.
    /// </summary>
    public static bool TellApart(TablePolicy policy) => policy.Kind == PolicyKind.Judged && (policy.Reduced is null || MayReadClaims(policy.Reduced));

    private static bool MayReadClaims(PolicyNode node) => node switch
    {
        AllParts all => all.Parts.Any(MayReadClaims),
        AnyPart any => any.Parts.Any(MayReadClaims),
        ColumnEquals equals => MayCall().IsMatch(equals.Sql),
        ColumnOrder order => MayCall().IsMatch(order.Sql),
        ColumnNull => false,
        ClaimCondition condition => MayCall().IsMatch(condition.Sql),
        _ => true,
    };

    // A name before a parenthesis, or one of the words that SQL calls without one. A constant that looks alike is counted too, which costs groups and nothing else.
    [GeneratedRegex(@"[\w""]\s*\(|\b(current|session|user|system)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex MayCall();
}
