using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.ChangeLog;

/// <summary>Takes out of the log what is older than the retention, and the oldest of what is more than it may hold.</summary>
internal sealed class ChangeLogTrim(NpgsqlDataSource dataSource, IOptions<ChangeLogOptions> options)
{
    // What is taken out is recorded in the same transaction: whoever reads the log sees the rows, or that they are gone. Sizes are those on disk, which are read without the bodies.
    private const string Trim =
        """
        with oldest as (
          select ctid, logged_at, sum(pg_column_size(body) + 200) over (order by logged_at desc, last_lsn desc) as bytes
          from serverless_realtime.change_log
        ), gone as (
          delete from serverless_realtime.change_log l
          using oldest o where l.ctid = o.ctid and (o.logged_at < now() - $1 or o.bytes > $2)
          returning l.schema_name, l.table_name, l.epoch, l.last_lsn, l.last_index
        ), last as (
          select distinct on (schema_name, table_name, epoch) * from gone order by schema_name, table_name, epoch, last_lsn desc, last_index desc
        ), recorded as (
          insert into serverless_realtime.log_trim as t (schema_name, table_name, epoch, last_lsn, last_index)
          select schema_name, table_name, epoch, last_lsn, last_index from last
          on conflict (schema_name, table_name, epoch) do update set last_lsn = excluded.last_lsn, last_index = excluded.last_index
          where (t.last_lsn, t.last_index) < (excluded.last_lsn, excluded.last_index)
        )
        select count(*)::int from gone
        """;

    public async Task<int> TrimAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Trim);
        command.Parameters.AddWithValue(options.Value.Age);
        command.Parameters.AddWithValue(options.Value.MaxBytes);
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
