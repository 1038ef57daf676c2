namespace Serverless.Subscriptions.Visibility;

/// <summary>Transactions that write random rows.</summary>
internal static class RandomWrites
{
    public static async Task WriteAsync(History history, Random random)
    {
        for (var transactions = 1 + random.Next(4); transactions > 0; transactions--)
        {
            var statements = Enumerable.Range(0, 1 + random.Next(3)).Select(_ => Statement(history, random)).ToList();
            var end = random.Next(15) == 0 ? "rollback" : "commit";
            await history.WriteAsync(statements.Count == 1 && end == "commit" ? statements[0] : $"begin; {string.Join("; ", statements)}; {end}");
        }
    }

    private static string Statement(History history, Random random)
    {
        var table = history.Table;
        var name = $"{history.Stage.Schema}.{table.Name}";
        return (table.HasIdentity ? random.Next(10) : 0) switch
        {
            < 4 => Insert(table, name, random),
            < 8 => Update(table, name, random),
            8 when random.Next(6) == 0 => $"truncate {name}",
            _ => $"delete from {name} where {Where(random)}",
        };
    }

    private static string Insert(RandomTable table, string name, Random random)
    {
        var columns = table.Columns.Where(column => !column.IsGenerated && column.Name != "ref").ToList();
        var rows = Enumerable.Range(0, 1 + random.Next(3)).Select(_ => $"({string.Join(", ", columns.Select(column => Value(column, random)))})");
        return $"insert into {name} ({string.Join(", ", columns.Select(column => column.Quoted))}) values {string.Join(", ", rows)} on conflict do nothing";
    }

    private static string Update(RandomTable table, string name, Random random)
    {
        var columns = table.Columns
            .Where(column => !column.IsGenerated && (!(column.IsPrimary || column.IsIdentity) || random.Next(5) == 0))
            .OrderBy(_ => random.Next())
            .Take(1 + random.Next(2))
            .Select(column => $"{column.Quoted} = {(column.Name == "ref" ? "ref + 100" : Value(column, random))}");
        return $"update {name} set {string.Join(", ", columns)} where {Where(random)}";
    }

    private static string Where(Random random) => random.Next(3) == 0 ? $"id % 3 = {random.Next(3)}" : $"id = {1 + random.Next(6)}";

    // Every large text is another, so that an update that leaves it alone is one that did not name it.
    private static string Value(RandomColumn column, Random random) => column.Name == "big" && random.Next(3) == 0
        ? $"'{random.Next()}' || repeat('x', {RandomTable.ToastedLength})"
        : column.AnyLiteral(random);
}
