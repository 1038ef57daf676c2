using System.Text.Json.Serialization;

namespace Serverless.Subscriptions.Filters;

/// <summary>SQL's AND. Without parts: true.</summary>
internal sealed record AllNode(IReadOnlyList<FilterNode> Parts) : FilterNode
{
    [JsonIgnore]
    public override IReadOnlyCollection<string> Columns => [.. Parts.SelectMany(part => part.Columns).Distinct()];

    [JsonIgnore]
    public override IEnumerable<ColumnNode> Conditions => Parts.SelectMany(part => part.Conditions);

    [JsonIgnore]
    public override bool IsInMemory => Parts.All(part => part.IsInMemory);

    [JsonIgnore]
    public override bool MayAsk => Parts.Any(part => part.MayAsk);

    public override Predicate Compile() => Parts.Count == 0 ? Constant.True : new AllOf([.. Parts.Select(part => part.Compile())]);

    public override string ToSql() => Parts.Count == 0 ? "true" : $"({string.Join(" and ", Parts.Select(part => part.ToSql()))})";

    protected override FilterNode Negate() => Any(Parts.Select(Not));
}

/// <summary>SQL's OR. Without parts: false.</summary>
internal sealed record AnyNode(IReadOnlyList<FilterNode> Parts) : FilterNode
{
    [JsonIgnore]
    public override IReadOnlyCollection<string> Columns => [.. Parts.SelectMany(part => part.Columns).Distinct()];

    [JsonIgnore]
    public override IEnumerable<ColumnNode> Conditions => Parts.SelectMany(part => part.Conditions);

    [JsonIgnore]
    public override bool IsInMemory => Parts.All(part => part.IsInMemory);

    [JsonIgnore]
    public override bool MayAsk => Parts.Any(part => part.MayAsk);

    public override Predicate Compile() => Parts.Count == 0 ? Constant.False : new AnyOf([.. Parts.Select(part => part.Compile())]);

    public override string ToSql() => Parts.Count == 0 ? "false" : $"({string.Join(" or ", Parts.Select(part => part.ToSql()))})";

    protected override FilterNode Negate() => All(Parts.Select(Not));
}

/// <summary>SQL's NOT, over a condition that has no opposite of its own.</summary>
internal sealed record NotNode(FilterNode Part) : FilterNode
{
    [JsonIgnore]
    public override IReadOnlyCollection<string> Columns => Part.Columns;

    [JsonIgnore]
    public override IEnumerable<ColumnNode> Conditions => Part.Conditions;

    [JsonIgnore]
    public override bool IsInMemory => Part.IsInMemory;

    [JsonIgnore]
    public override bool MayAsk => Part.MayAsk;

    public override Predicate Compile() => new Not(Part.Compile());

    public override string ToSql() => $"(not {Part.ToSql()})";

    protected override FilterNode Negate() => Part;
}
