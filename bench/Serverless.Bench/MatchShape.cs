using System.Globalization;
using System.Text;
using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Bench;

/// <summary>A kind of filter: the one of subscription i, and a row that only subscription i wants.</summary>
/// <param name="IsReported">Whether it belongs in the line of JSON.</param>
internal sealed record MatchShape(string Name, Func<int, Predicate> PredicateOf, Func<int, RowImage> RowFor, bool IsReported = true)
{
    private const int ListLength = 3;

    public static List<MatchShape> All { get; } =
    [
        new("eq", OwnedBy, user => MatchedRows.Row(1, user)),
        new("eq_range", user => new AllOf([OwnedBy(user), From("quantity", 100)]), user => MatchedRows.Row(1, user)),
        new("in", i => In(Enumerable.Range(i * ListLength, ListLength)), i => MatchedRows.Row((i * (long)ListLength) + (i % ListLength), 0)),
        new("range", i => new AllOf([From("id", i * 10L), Before("id", (i + 1) * 10L)]), i => MatchedRows.Row((i * 10L) + 5, 0), IsReported: false),
    ];

    private static Equality OwnedBy(int user) => new("user_id", EqualityRule.SameToken, [Encoding.ASCII.GetBytes(MatchedRows.UserToken(user))]);

    private static Equality In(IEnumerable<int> ids) =>
        new("id", EqualityRule.SameToken, [.. ids.Select(id => Token(id))]);

    private static Comparison From(string column, long value) => new(column, ValueOrder.Integer, FilterOperator.GreaterOrEqual, Token(value));

    private static Comparison Before(string column, long value) => new(column, ValueOrder.Integer, FilterOperator.Less, Token(value));

    private static byte[] Token(long value) => Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture));
}
