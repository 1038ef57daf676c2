using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>A condition that only PostgreSQL can decide: a collation, an exotic type, a regular expression.</summary>
/// <param name="sql">A boolean expression over quoted column names.</param>
internal sealed class AskPostgres(string sql, IReadOnlyCollection<string> columns) : Predicate
{
    public string Sql { get; } = sql;

    public override string Text => $"ask({Sql})";

    public override IReadOnlyCollection<string> Columns { get; } = columns;

    public override IReadOnlyList<IndexKey>? Keys => null;

    public override Truth Evaluate(RowImage image) => Truth.Ask;
}
