using System.ComponentModel.DataAnnotations;

namespace Serverless.Database;

/// <summary>Where the database is.</summary>
internal sealed class DatabaseOptions
{
    public const string Section = "Realtime";

    /// <summary>The connection string. Its role must own schema <c>serverless_realtime</c> and have the REPLICATION attribute. No default.</summary>
    [Required]
    public string Postgres { get; set; } = "";
}
