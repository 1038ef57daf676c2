namespace Serverless.Chaos;

/// <summary>What a subscription asks for: a table, and one of a few filters, said three times: for the service, for SQL, and here.</summary>
internal sealed record Wish(string Table, int Kind, int State)
{
    public string? Filter => Kind switch { 0 => null, 1 => $"state=eq.{State}", 2 => $"state=gt.{State}", _ => $"state=in.({State},{State + 1})" };

    public string Sql => Kind switch { 0 => "true", 1 => $"state = {State}", 2 => $"state > {State}", _ => $"state in ({State}, {State + 1})" };

    public bool Allows(RowFacts row) => Kind switch { 0 => true, 1 => row.State == State, 2 => row.State > State, _ => row.State == State || row.State == State + 1 };

    public static Wish Choose(Random random, string table) => new(table, random.Next(4), random.Next(5));
}
