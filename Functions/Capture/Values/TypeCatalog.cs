using Npgsql;
using NpgsqlTypes;

namespace Serverless.Capture.Values;

/// <summary>A type as values of it are written.</summary>
/// <param name="Name"><c>pg_type.typname</c>.</param>
/// <param name="SqlName">Its name for a cast: quoted and with its schema; a domain's is that of the type below it.</param>
/// <param name="Writer">Null where only the server can convert its values.</param>
internal sealed record TypeDescription(string Name, string SqlName, ValueWriter? Writer);

/// <summary>
/// Looks types up in <c>pg_type</c>, once each, and decides as PostgreSQL's <c>jsonb_categorize_type</c> does how their values become JSON.
/// </summary>
internal sealed class TypeCatalog(NpgsqlConnection connection)
{
    // typsubscript tells an array from other types with elements (point, name, hstore) since PostgreSQL 14; before, a length of -1 did.
    private const string TypeQuery = """
        select t.typname,
               quote_ident(n.nspname) || '.' || quote_ident(t.typname),
               t.typbasetype,
               case when t.typlen = -1 and coalesce(to_jsonb(t) ->> 'typsubscript', 'array_subscript_handler') = 'array_subscript_handler'
                    then t.typelem else 0::oid end,
               t.typrelid,
               coalesce(e.typdelim, ','),
               t.oid >= 16384 and exists (
                 select from pg_cast c where c.castsource = t.oid and c.casttarget = 'pg_catalog.json'::regtype and c.castmethod = 'f')
        from pg_type t
        join pg_namespace n on n.oid = t.typnamespace
        left join pg_type e on e.oid = t.typelem
        where t.oid = $1
        """;

    private const string AttributesQuery =
        "select attname, atttypid from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped order by attnum";

    private static readonly TypeDescription _unknown = new("unknown", "pg_catalog.text", TextWriter.Instance);

    private readonly Dictionary<uint, TypeDescription> _known = [];
    private bool _wasInexact;

    /// <summary>Whether a value has not fitted its type's description, which then is out of date.</summary>
    public bool IsStale { get; private set; }

    /// <summary>Whether a value that was written since the last call has the same JSON as another.</summary>
    public bool TakeInexact()
    {
        var was = _wasInexact;
        _wasInexact = false;
        return was;
    }

    /// <summary>Looks all types up anew from now on.</summary>
    public void Forget()
    {
        _known.Clear();
        IsStale = false;
    }

    /// <summary>The type, or text under the name <c>unknown</c> where it no longer exists.</summary>
    public async ValueTask<TypeDescription> FindAsync(uint oid, CancellationToken cancellationToken)
    {
        if (!_known.TryGetValue(oid, out var type))
        {
            type = await ReadTypeAsync(oid, cancellationToken) is { } row ? await DescribeAsync(oid, row, cancellationToken) : _unknown;
            _known[oid] = type;
        }

        return type;
    }

    private async Task<TypeDescription> DescribeAsync(uint oid, TypeRow row, CancellationToken cancellationToken)
    {
        if (row.BaseType != 0)
        {
            return await FindAsync(row.BaseType, cancellationToken) with { Name = row.Name };
        }

        if (row.HasJsonCast)
        {
            return new TypeDescription(row.Name, row.SqlName, Writer: null);
        }

        var writer = BuiltInType.WriterOf(oid, onInexact: () => _wasInexact = true);
        if (writer is null && row.Element != 0)
        {
            var element = await FindAsync(row.Element, cancellationToken);
            writer = element.Writer switch
            {
                null => null,
                var one when BuiltInType.IsVector(oid) => new VectorWriter(one),
                var one => new ArrayWriter(one, row.ElementDelimiter, onInexact: () => _wasInexact = true),
            };
        }
        else if (writer is null && row.Relation != 0)
        {
            writer = await DescribeCompositeAsync(row.Relation, cancellationToken);
        }
        else
        {
            writer ??= TextWriter.Instance;
        }

        return new TypeDescription(row.Name, row.SqlName, writer);
    }

    private async Task<ValueWriter?> DescribeCompositeAsync(uint relation, CancellationToken cancellationToken)
    {
        var attributes = new List<(string Name, ValueWriter Writer)>();
        foreach (var (name, typeOid) in await ReadAttributesAsync(relation, cancellationToken))
        {
            if ((await FindAsync(typeOid, cancellationToken)).Writer is not { } writer)
            {
                return null;
            }

            attributes.Add((name, writer));
        }

        return new CompositeWriter(attributes, onMismatch: () => IsStale = true, onInexact: () => _wasInexact = true);
    }

    private async Task<TypeRow?> ReadTypeAsync(uint oid, CancellationToken cancellationToken)
    {
        await using var command = Query(TypeQuery, oid);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new TypeRow(
                reader.GetString(0),
                reader.GetString(1),
                reader.GetFieldValue<uint>(2),
                reader.GetFieldValue<uint>(3),
                reader.GetFieldValue<uint>(4),
                (byte)reader.GetFieldValue<char>(5),
                reader.GetBoolean(6))
            : null;
    }

    private async Task<List<(string Name, uint Type)>> ReadAttributesAsync(uint relation, CancellationToken cancellationToken)
    {
        await using var command = Query(AttributesQuery, relation);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var attributes = new List<(string, uint)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            attributes.Add((reader.GetString(0), reader.GetFieldValue<uint>(1)));
        }

        return attributes;
    }

    private NpgsqlCommand Query(string text, uint oid)
    {
        var command = new NpgsqlCommand(text, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = oid, NpgsqlDbType = NpgsqlDbType.Oid });
        return command;
    }

    private sealed record TypeRow(string Name, string SqlName, uint BaseType, uint Element, uint Relation, byte ElementDelimiter, bool HasJsonCast);
}
