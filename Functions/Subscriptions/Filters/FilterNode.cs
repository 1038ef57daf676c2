using System.Text.Json.Serialization;

namespace Serverless.Subscriptions.Filters;

/// <summary>A filter checked against the catalogs, in a form that the registry stores: the same filter is the same JSON in every process.</summary>
/// <remarks>
/// Made by the factories here, which bring trees to one shape: groups flat, sorted and without repeats, NOT moved inwards to where a condition can take it up (which SQL's
/// three values allow). Values are JSON tokens as capture writes them, so that predicates and SQL are both made from them.
/// Two nodes are compared by their JSON: record equality would compare lists by reference.
/// </remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "is")]
[JsonDerivedType(typeof(AllNode), "all")]
[JsonDerivedType(typeof(AnyNode), "any")]
[JsonDerivedType(typeof(NotNode), "not")]
[JsonDerivedType(typeof(EqualNode), "equal")]
[JsonDerivedType(typeof(DistinctNode), "distinct")]
[JsonDerivedType(typeof(NullNode), "null")]
[JsonDerivedType(typeof(JsonNullNode), "json null")]
[JsonDerivedType(typeof(OrderNode), "order")]
[JsonDerivedType(typeof(LikeNode), "like")]
[JsonDerivedType(typeof(AskNode), "ask")]
internal abstract record FilterNode
{
    /// <summary>The filter that lets everything through.</summary>
    public static FilterNode Everything { get; } = new AllNode([]);

    /// <summary>The columns it reads, each once.</summary>
    [JsonIgnore]
    public abstract IReadOnlyCollection<string> Columns { get; }

    /// <summary>Its conditions on columns, wherever they stand in it.</summary>
    [JsonIgnore]
    public abstract IEnumerable<ColumnNode> Conditions { get; }

    /// <summary>Whether all of it is decided in memory, whatever the row (but for a LIKE over a huge text).</summary>
    [JsonIgnore]
    public abstract bool IsInMemory { get; }

    /// <summary>Whether PostgreSQL may have to be asked for some row.</summary>
    [JsonIgnore]
    public virtual bool MayAsk => !IsInMemory;

    public abstract Predicate Compile();

    /// <summary>The whole as a boolean expression over quoted column names, with every value, type and operator written out.</summary>
    public abstract string ToSql();

    public string ToJson() => FilterNodeJson.Write(this);

    /// <exception cref="System.Text.Json.JsonException">The text is not a filter.</exception>
    public static FilterNode FromJson(string json) => FilterNodeJson.Read(json);

    public static FilterNode All(IEnumerable<FilterNode> parts)
    {
        var flat = Order(parts.SelectMany(part => part is AllNode all ? all.Parts : [part]));
        return flat.Count == 1 ? flat[0] : flat.Any(part => part is AnyNode { Parts.Count: 0 }) ? new AnyNode([]) : new AllNode(flat);
    }

    public static FilterNode Any(IEnumerable<FilterNode> parts)
    {
        var flat = Order(parts.SelectMany(part => part is AnyNode any ? any.Parts : [part]));
        return flat.Count == 1 ? flat[0] : flat.Any(part => part is AllNode { Parts.Count: 0 }) ? Everything : new AnyNode(flat);
    }

    public static FilterNode Not(FilterNode node) => node.Negate();

    protected virtual FilterNode Negate() => new NotNode(this);

    private static List<FilterNode> Order(IEnumerable<FilterNode> parts) =>
        [.. parts.DistinctBy(part => part.ToJson()).OrderBy(part => part.ToJson(), StringComparer.Ordinal)];
}
