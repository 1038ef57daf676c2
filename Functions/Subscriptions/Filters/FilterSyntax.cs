namespace Serverless.Subscriptions.Filters;

/// <summary>A filter as it was written, before any catalog was asked about it.</summary>
internal abstract record FilterSyntax
{
    /// <summary>Its conditions, in the order of the text.</summary>
    public abstract IEnumerable<ConditionSyntax> Conditions { get; }
}

/// <summary>All parts must hold. Without parts, it is the filter that lets everything through.</summary>
internal sealed record AllSyntax(IReadOnlyList<FilterSyntax> Parts) : FilterSyntax
{
    public override IEnumerable<ConditionSyntax> Conditions => Parts.SelectMany(part => part.Conditions);
}

/// <summary>At least one part must hold.</summary>
internal sealed record AnySyntax(IReadOnlyList<FilterSyntax> Parts) : FilterSyntax
{
    public override IEnumerable<ConditionSyntax> Conditions => Parts.SelectMany(part => part.Conditions);
}

/// <summary>SQL's NOT: what is unknown stays unknown.</summary>
internal sealed record NotSyntax(FilterSyntax Part) : FilterSyntax
{
    public override IEnumerable<ConditionSyntax> Conditions => Part.Conditions;
}

/// <summary>One condition on one column.</summary>
/// <param name="Text">The condition as written, shortened, for messages.</param>
/// <param name="Values">Unquoted: the elements of <c>in</c>, and one value for every other operator.</param>
internal sealed record ConditionSyntax(string Text, string Column, FilterOperator Operator, IReadOnlyList<string> Values) : FilterSyntax
{
    public override IEnumerable<ConditionSyntax> Conditions => [this];
}
