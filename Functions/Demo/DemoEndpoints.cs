using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Serverless.Demo;

/// <summary>Serves the demo page and what it needs to begin: its settings and the rows of its board.</summary>
internal static class DemoEndpoints
{
    private const int MostTasks = 500;

    public static void MapDemo(this WebApplication app)
    {
        var options = app.Configuration.GetSection(DemoOptions.Section).Get<DemoOptions>();
        if (string.IsNullOrEmpty(options?.Demo))
        {
            return;
        }

        var folder = Path.GetFullPath(options.Demo);
        if (!Directory.Exists(folder))
        {
            throw new OptionsValidationException(
                nameof(DemoOptions), typeof(DemoOptions), [$"Realtime:Demo names the folder '{folder}', which is not there. Build the demo page, or leave the setting out."]);
        }

        var files = new PhysicalFileProvider(folder);
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = files });
        app.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = files,

            // The page is rebuilt while one looks at it.
            OnPrepareResponse = context => context.Context.Response.Headers.CacheControl = "no-cache",
        });
        app.MapGet("/demo/config.json", (HttpRequest request) => new { url = $"{request.Scheme}://{request.Host}", anonKey = options.DemoApiKey });
        app.MapGet("/demo/tasks", ReadTasksAsync);
    }

    // The page holds as many rows, and keeps those that changed last: so what it has heard and what it fetches agree.
    private static async Task<IResult> ReadTasksAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            """
            select jsonb_build_object(
              'limit', $1::int,
              'more', exists (select from public.project_tasks offset $1),
              'tasks', (select coalesce(jsonb_agg(t), '[]') from (select * from public.project_tasks order by updated_at desc, id desc limit $1) t))::text
            """);
        command.Parameters.AddWithValue(MostTasks);
        return Results.Text((string)(await command.ExecuteScalarAsync(cancellationToken))!, "application/json");
    }
}
