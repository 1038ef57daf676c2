using System.Globalization;
using Npgsql;
using Serverless.Changes;

namespace Serverless.Subscriptions.Policies;

/// <summary>What one claim set asks to see.</summary>
/// <param name="Claims">A JSON object.</param>
/// <param name="Images">Places in the batch's images, from 0.</param>
internal sealed record PolicyAsk(string Claims, IReadOnlyList<int> Images);

/// <summary>What a claim set may see, in the order in which it asked.</summary>
/// <param name="Visible">Empty where the policy failed for every image: then nothing may be seen.</param>
/// <param name="Failure">Where the policy failed, for all images or for some. The latter are not visible.</param>
internal sealed record PolicyVerdict(IReadOnlyList<bool> Visible, PolicyFailure? Failure);

/// <summary>Asks PostgreSQL which row images a table's policies let subscribers see, whatever the policies are.</summary>
/// <remarks>
/// The images take the table's place in the policies' expression, so that each is judged as it was committed, while other tables are read as they are
/// now, under their own policies, as the role. An image that lacks a column that the policies read is not visible, nor one whose JSON does not tell the column's value.
/// Where an error may be one row's, a claim set's images are halved until those stand alone that cause it.
/// </remarks>
internal sealed class PolicyJudge(TimeSpan limit, TimeProvider time)
{
    private const int MostParts = 64;
    private const int MostPartsOfAll = 4_000;

    // As jsonb takes and gives them, which is faster than json.
    private static readonly HashSet<string> _asJsonb = new(StringComparer.Ordinal)
    {
        "int2", "int4", "int8", "numeric", "text", "varchar", "bpchar", "name", "uuid", "bool", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "bytea", "inet", "jsonb",
        "_int2", "_int4", "_int8", "_text", "_varchar", "_uuid", "_bool",
    };

    private readonly ClaimLoop _loop = new(limit, time);

    /// <param name="connection">Open, and in no transaction.</param>
    public async Task<IReadOnlyList<PolicyVerdict>> JudgeAsync(
        NpgsqlConnection connection, TablePolicy policy, IReadOnlyList<RowImage> images, IReadOnlyList<PolicyAsk> asks, CancellationToken cancellationToken)
    {
        if (policy.Kind != PolicyKind.Judged || asks.Count == 0)
        {
            return [.. asks.Select(ask => new PolicyVerdict([.. ask.Images.Select(_ => policy.Kind == PolicyKind.Open)], null))];
        }

        if (policy.UnfitColumns.Count > 0)
        {
            return [.. asks.Select(_ => new PolicyVerdict([], new PolicyFailure(PolicyFailure.InexactImage) { Columns = policy.UnfitColumns }))];
        }

        var rows = new PolicyImages(policy, images);
        var judged = asks.Select(ask => new JudgedAsk(ask)).ToArray();
        List<Part> parts = [.. judged.Select(ask => new Part(ask, 0, ask.Ask.Images.Count))];
        for (var left = MostPartsOfAll; parts.Count > 0; left -= parts.Count)
        {
            var answers = await _loop.AskAsync(connection, ClaimStatement.Create(Statement(policy), policy), ToQuestions(rows, parts), cancellationToken);
            parts = Settle(rows, parts, answers, left);
        }

        return [.. judged.Select(ask => ask.Verdict(rows.InexactAmong(ask.Ask.Images.Select(image => images[image]))))];
    }

    /// <returns>What is to be asked again, in halves.</returns>
    private static List<Part> Settle(PolicyImages rows, List<Part> parts, ClaimAnswer[] answers, int left)
    {
        var again = new List<Part>();
        foreach (var (part, answer) in parts.Zip(answers))
        {
            if (answer.Failure is null)
            {
                part.Ask.Answered(part.First, rows.Read(answer.Text ?? "", [.. part.Images]));
                continue;
            }

            part.Ask.Failure = answer.Failure;
            if (answer.Failure.MayBeOfOneRow && part.Count > 1 && again.Count + 2 <= left && part.Ask.Parts + 2 <= MostParts)
            {
                part.Ask.Parts += 2;
                again.Add(part with { Count = part.Count / 2 });
                again.Add(part with { First = part.First + (part.Count / 2), Count = part.Count - (part.Count / 2) });
            }
        }

        return again;
    }

    private static ClaimQuestions ToQuestions(PolicyImages rows, List<Part> parts)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var setOf = new int[parts.Count];
        for (var i = 0; i < parts.Count; i++)
        {
            var set = "{" + string.Join(',', rows.PlacesOf(parts[i].Images).Select(place => place.ToString(CultureInfo.InvariantCulture))) + "}";
            setOf[i] = places.TryGetValue(set, out var known) ? known : places[set] = places.Count + 1;
        }

        return new ClaimQuestions(rows.Rows, [.. places.Keys], [.. parts.Select(part => part.Ask.Ask.Claims)], setOf);
    }

    // Under the table's own name, so that its columns, with or without that name before them, and the row as a whole mean the image. One function in FROM
    // gives its rows in order.
    private static string Statement(TablePolicy policy)
    {
        var answer = $"case when {policy.Sql} then 't' else 'f' end";
        var (table, name) = (SqlName.Of(policy.Schema, policy.Name), SqlName.Of(policy.Name));
        var json = policy.AllColumns.Where(column => column.IsDomain || policy.Columns.Contains(column.Name)).All(column => column.IsEnum || _asJsonb.Contains(column.BaseTypeName)) ? "jsonb" : "json";
        var images = $"current_setting('serverless_realtime.images')::{json}";
        if (policy.JsonColumns.Count == 0)
        {
            return $"select string_agg({answer}, '') from {json}_populate_recordset(null::{table}, {images}) as {name}";
        }

        if (!policy.AllColumns.Any(column => column.IsDomain))
        {
            return $"select string_agg({answer}, '') from {json}_populate_recordset(row({Base(policy, "null")})::{table}, {images}) as {name}";
        }

        // A domain may forbid null, so that each row is begun with its own domains' values.
        return $"""
            select string_agg({answer}, '' order by "serverless_realtime place")
            from {json}_array_elements({images}) with ordinality as "serverless_realtime image" ("serverless_realtime image", "serverless_realtime place"),
              lateral {json}_populate_record(
                (select row({Base(policy, null)})::{table} from {json}_populate_record(null::{table}, "serverless_realtime image"."serverless_realtime image") as given),
                "serverless_realtime image"."serverless_realtime image") as {name}
            """;
    }

    // What a column that is left out of an image has: JSON's null where it is of json.
    private static string Base(TablePolicy policy, string? ofDomains) => string.Join(", ", policy.AllColumns.Select(column =>
        policy.JsonColumns.Contains(column.Name) ? "'null'" : column.IsDomain ? ofDomains ?? $"given.{SqlName.Of(column.Name)}" : "null"));

    /// <summary>A run of the images that one claim set asks about.</summary>
    private readonly record struct Part(JudgedAsk Ask, int First, int Count)
    {
        public IEnumerable<int> Images => Ask.Ask.Images.Skip(First).Take(Count);
    }

    private sealed class JudgedAsk(PolicyAsk ask)
    {
        private readonly bool[] _visible = new bool[ask.Images.Count];
        private bool _isAnswered;

        public PolicyAsk Ask { get; } = ask;

        public PolicyFailure? Failure { get; set; }

        /// <summary>How many times its images were asked about again.</summary>
        public int Parts { get; set; }

        public void Answered(int first, bool[] visible)
        {
            visible.CopyTo(_visible, first);
            _isAnswered = true;
        }

        public PolicyVerdict Verdict(PolicyFailure? inexact) => !_isAnswered
            ? new PolicyVerdict([], Failure)
            : new PolicyVerdict(_visible, Failure is null ? inexact : Failure with { Scope = FailureScope.SomeRows });
    }
}
