using System.Buffers;
using System.Globalization;
using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

/// <summary>The images that some questions are about: each sent once, with no more columns than are read, and named by number.</summary>
internal sealed class AskedImages
{
    private readonly IReadOnlyList<FilterQuestion> _questions;
    private readonly Dictionary<RowImage, int> _numbers = new(ReferenceEqualityComparer.Instance);

    public AskedImages(IReadOnlyList<FilterQuestion> questions)
    {
        _questions = questions;
        var columns = questions.SelectMany(question => question.Columns).Distinct().ToList();
        var images = new List<string>();
        foreach (var image in from question in questions from image in question.Images where CanJudge(question, image) select image)
        {
            if (_numbers.TryAdd(image, images.Count + 1))
            {
                images.Add(Project(image, columns));
            }
        }

        Images = [.. images];
        Lists = [.. questions.Select(ListOf)];
    }

    /// <summary>JSON objects. The first has number 1.</summary>
    public string[] Images { get; }

    /// <summary>For each question the numbers of its images that can be judged, as a literal of PostgreSQL's <c>int[]</c>.</summary>
    public string[] Lists { get; }

    /// <summary>Sets the verdicts on the images that were asked about between those that were not.</summary>
    public IReadOnlyList<bool?> Spread(int question, IReadOnlyList<bool?> verdicts)
    {
        var images = _questions[question].Images;
        var all = new bool?[images.Count];
        var next = 0;
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = CanJudge(_questions[question], images[i]) ? verdicts[next++] : null;
        }

        return all;
    }

    private string ListOf(FilterQuestion question) =>
        "{" + string.Join(',', question.Images.Where(image => CanJudge(question, image)).Select(image => _numbers[image].ToString(CultureInfo.InvariantCulture))) + "}";

    // What PostgreSQL reads back from an inexact value's JSON is another value; of a float, one that no operator of a filter tells from it: zero without its sign.
    private static bool CanJudge(FilterQuestion question, RowImage image) => question.Columns.All(column =>
        image.Relation.OrdinalOf(column) is var ordinal && image.Has(ordinal) && (!image.Inexact.Contains(column) || IsFloat(image.Relation.Columns[ordinal].TypeOid)));

    private static bool IsFloat(uint type) => type is 700 or 701;

    private static string Project(RowImage image, List<string> columns)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var column in columns.Where(column => image.Has(image.Relation.OrdinalOf(column))))
        {
            output.Write(output.WrittenCount == 0 ? "{"u8 : ","u8);
            JsonText.Write(output, Encoding.UTF8.GetBytes(column));
            output.Write(":"u8);
            output.Write(image.ValueOf(image.Relation.OrdinalOf(column)));
        }

        output.Write("}"u8);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
