using System.ComponentModel.DataAnnotations;

namespace Serverless.Database;

/// <summary>Where the database is.</summary>
internal sealed class DatabaseOptions
{
    public const string Section = "Realtime";

    /// <summary>Npgsql connection string, or <c>postgres://</c> URL, of the database whose changes are streamed. No default.</summary>
    /// <remarks>Kept in Npgsql's form. The user needs REPLICATION, CREATE on the database, and membership in the roles that callers act as.</remarks>
    [Required(ErrorMessage = "Realtime:Postgres is not set. Give it an Npgsql connection string, as in 'Host=127.0.0.1;Database=app;Username=realtime'.")]
    public string Postgres { get; set; } = "";

    /// <summary>The most connections for joins, policies and everything else but the stream, the registry (2) and partitions (one each). Default: 30.</summary>
    [Range(8, 1000, ErrorMessage = "Realtime:MaxConnections must lie between 8 and 1000.")]
    public int MaxConnections { get; set; } = 30;

    /// <summary>Whether this process brings our schema up to date when it starts. Default: true.</summary>
    public bool Migrate { get; set; } = true;
}
