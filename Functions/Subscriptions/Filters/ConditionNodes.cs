using System.Text;
using System.Text.Json.Serialization;

namespace Serverless.Subscriptions.Filters;

/// <summary>A condition on one column.</summary>
internal abstract record ColumnNode(string Column) : FilterNode
{
    [JsonIgnore]
    public override IReadOnlyCollection<string> Columns => [Column];

    [JsonIgnore]
    public override IEnumerable<ColumnNode> Conditions => [this];

    [JsonIgnore]
    public override bool IsInMemory => true;

    /// <summary>Whether it comes out one way for SQL's null and another for the value null of JSON, which images do not tell apart: then it is unknown of either.</summary>
    [JsonIgnore]
    public virtual bool IsUnclearOfNull => false;

    /// <summary>The values that the column is found equal to or not, as JSON tokens; none where it is compared otherwise.</summary>
    [JsonIgnore]
    public virtual IReadOnlyList<string> EqualTo => [];
}

/// <summary>The column is equal to one of the values.</summary>
/// <param name="Type">The SQL name, quoted and with its schema, of the type beneath all domains. Here always one of PostgreSQL's own, or an enum.</param>
/// <param name="Values">JSON tokens, sorted and each once; at least one.</param>
internal sealed record EqualNode(string Column, string Type, EqualityRule Rule, IReadOnlyList<string> Values) : ColumnNode(Column)
{
    [JsonIgnore]
    public override IReadOnlyList<string> EqualTo => Values;

    public override Predicate Compile() => new Equality(Column, Rule, [.. Values.Select(value => Rule.Token(value))]);

    public override string ToSql() =>
        $"({string.Join(" or ", Values.Select(value => $"{SqlName.Of(Column)} operator(pg_catalog.=) {SqlLiteral.Of(value, Type)}"))})";
}

/// <summary>The column is distinct from the value, counting null as a value; or is not.</summary>
internal sealed record DistinctNode(string Column, string Type, EqualityRule Rule, string Value, bool IsNegated) : ColumnNode(Column)
{
    [JsonIgnore]
    public override IReadOnlyList<string> EqualTo => [Value];

    public override Predicate Compile() => new Distinct(Column, Rule, Rule.Token(Value), IsNegated);

    public override string ToSql() => IsNegated
        ? $"({SqlName.Of(Column)} is not null and {SqlName.Of(Column)} operator(pg_catalog.=) {SqlLiteral.Of(Value, Type)})"
        : $"({SqlName.Of(Column)} is null or not {SqlName.Of(Column)} operator(pg_catalog.=) {SqlLiteral.Of(Value, Type)})";

    protected override FilterNode Negate() => this with { IsNegated = !IsNegated };
}

/// <summary>The column is null, or is not. For types that are not composite.</summary>
internal sealed record NullNode(string Column, bool IsNegated) : ColumnNode(Column)
{
    public override Predicate Compile() => new NullTest(Column, IsNegated);

    public override string ToSql() => $"({SqlName.Of(Column)} {(IsNegated ? "is not null" : "is null")})";

    protected override FilterNode Negate() => this with { IsNegated = !IsNegated };
}

/// <summary>The column, of type <c>json</c> or <c>jsonb</c>, is null, or is not: unknown where the image says null.</summary>
internal sealed record JsonNullNode(string Column, bool IsNegated) : ColumnNode(Column)
{
    [JsonIgnore]
    public override bool IsUnclearOfNull => true;

    public override Predicate Compile() => new JsonNullTest(Column, IsNegated);

    public override string ToSql() => $"(case when {SqlName.Of(Column)} is not null then {(IsNegated ? "true" : "false")} end)";

    protected override FilterNode Negate() => this with { IsNegated = !IsNegated };
}

/// <summary>The column comes before or after the value.</summary>
/// <param name="Operator">One of the four that compare.</param>
internal sealed record OrderNode(string Column, string Type, ValueOrder Order, FilterOperator Operator, string Value) : ColumnNode(Column)
{
    public override Predicate Compile() => new Comparison(Column, Order, Operator, Encoding.UTF8.GetBytes(Value));

    public override string ToSql() => $"({SqlName.Of(Column)} operator(pg_catalog.{Operator.SqlName()}) {SqlLiteral.Of(Value, Type)})";

    // These are total orders, NaN included, so what is not before is at or after; null is unknown either way.
    protected override FilterNode Negate() => this with
    {
        Operator = Operator switch
        {
            FilterOperator.Less => FilterOperator.GreaterOrEqual,
            FilterOperator.LessOrEqual => FilterOperator.Greater,
            FilterOperator.Greater => FilterOperator.LessOrEqual,
            _ => FilterOperator.Less,
        },
    };
}

/// <summary>The column's text fits a pattern of LIKE.</summary>
internal sealed record LikeNode(string Column, string Pattern) : ColumnNode(Column)
{
    [JsonIgnore]
    public override bool MayAsk => true;

    public override Predicate Compile() => new Like(Column, Pattern);

    public override string ToSql() => $"({SqlName.Of(Column)} operator(pg_catalog.~~) {SqlLiteral.Of(Pattern)})";
}

/// <summary>A condition that is asked of PostgreSQL.</summary>
/// <param name="Sql">A boolean expression, in parentheses.</param>
/// <param name="HasUnclearNull">Whether it is unknown where the image has null for a <c>jsonb</c>, because the two nulls would come out differently.</param>
internal sealed record AskNode(string Column, string Sql, bool HasUnclearNull = false) : ColumnNode(Column)
{
    [JsonIgnore]
    public override bool IsUnclearOfNull => HasUnclearNull;

    [JsonIgnore]
    public override bool IsInMemory => false;

    public override Predicate Compile() => new AskPostgres(Sql, [Column]);

    public override string ToSql() => Sql;
}
