using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.ChangeLog;

/// <summary>Takes out of the log what is older than the retention.</summary>
internal sealed class ChangeLogTrim(NpgsqlDataSource dataSource, IOptions<ChangeLogOptions> options)
{
    public async Task<int> TrimAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("delete from serverless_realtime.change_log where logged_at < now() - $1");
        command.Parameters.AddWithValue(options.Value.Retention);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
