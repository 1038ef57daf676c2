using System.Diagnostics;
using System.Text;
using Serverless.Changes;

namespace Serverless.Subscriptions.Filters;

public sealed class FilterQuestionsTests : IAsyncLifetime
{
    // Back references make the engine try every way to cut the text up.
    private const string SlowPattern = "^(.+)(.+)(.+)(.+)\\1\\2\\3\\4.$";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private FilterDatabase _database = null!;
    private Relation _relation = null!;

    public async Task InitializeAsync()
    {
        _database = await FilterDatabase.CreateAsync(
            """
            create domain required as text not null;
            create schema other;
            create type other.mood as enum ('sad', 'ok');
            create table things (id int primary key, name text, "a""b.image" text collate "en-x-icu", mood other.mood, must required);
            create table floats (id int primary key, weight float8, bounds int[]);
            """);
        _relation = await _database.RelationAsync("things");
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Verdicts_come_in_the_order_of_questions_and_images()
    {
        RowImage[] images = [Image(1, "\"a\""), Image(2, "\"B\""), Image(3, "null")];
        var answers = await AskAsync(new("name ~* 'b'", ["name"], images), new("not (name ~* 'b')", ["name"], [images[2], images[0]]), new("id > 1 and name is null", ["id", "name"], images));
        answers.Select(answer => answer.Verdicts).Should().BeEquivalentTo(
            new bool?[][] { [false, true, false], [false, true], [false, false, true] }, options => options.WithStrictOrdering());
        answers.Should().OnlyContain(answer => answer.SqlState == null && !answer.TookTooLong);
    }

    [Fact]
    public async Task A_negative_zero_is_compared_and_other_values_without_a_json_of_their_own_are_not()
    {
        var relation = await _database.RelationAsync("floats");
        RowImage[] images =
        [
            new(relation, "{\"id\":1,\"weight\":0,\"bounds\":[1]}"u8.ToArray()) { Inexact = ["weight"] },
            new(relation, "{\"id\":2,\"weight\":1,\"bounds\":[1]}"u8.ToArray()) { Inexact = ["bounds"] },
        ];

        var answers = await _database.AskAsync(relation, _limit, [new("weight >= 0", ["weight"], images), new("bounds = '{1}'", ["bounds"], images)]);

        answers[0].Verdicts.Should().Equal(true, true);
        answers[1].Verdicts.Should().Equal(true, null);
    }

    [Fact]
    public async Task An_error_stays_with_its_expression_and_image()
    {
        RowImage[] images = [Image(0, "\"a\""), Image(2, "\"b\"")];
        var answers = await AskAsync(new("1 / id > 0 or id = 2", ["id"], images), new("nonsense(", ["id"], images), new("id = 2", ["id"], images));
        answers[0].Verdicts.Should().Equal(null, true);
        answers[0].SqlState.Should().Be("22012");
        answers[1].Verdicts.Should().Equal([null, null]);
        answers[1].SqlState.Should().StartWith("42");
        answers[2].Verdicts.Should().Equal(false, true);
        answers[2].SqlState.Should().BeNull();
    }

    [Fact]
    public async Task Many_questions_about_the_same_images_keep_their_own_answers()
    {
        var images = Enumerable.Range(0, 30).Select(i => Image(i, i % 7 == 0 ? "null" : $"\"n{i}\"")).ToArray();
        var questions = Enumerable.Range(0, 120).Select(q => new FilterQuestion(
            q % 3 == 0 ? $"id <= {q}" : $"name = 'n{q}' or id = {q + 1}", q % 3 == 0 ? ["id"] : q % 2 == 0 ? ["id", "name"] : ["name", "id"], q % 5 == 0 ? images[..10] : images)).ToArray();
        var answers = await AskAsync(questions);
        for (var q = 0; q < questions.Length; q++)
        {
            var expected = Enumerable.Range(0, questions[q].Images.Count).Select(i => (bool?)(q % 3 == 0 ? i <= q : (i == q && i % 7 != 0) || i == q + 1));
            answers[q].Verdicts.Should().Equal(expected, "question {0} is its own", q);
        }
    }

    [Fact]
    public async Task An_expression_without_end_takes_nothing_from_the_others()
    {
        var filter = await _database.ResolveAsync("things", $"name=match.\"{SlowPattern.Replace("\\", "\\\\", StringComparison.Ordinal)}\"");
        RowImage[] images = [Image(1, $"\"{new string('a', 2001)}\""), Image(2, "\"b\"")];
        var started = Stopwatch.GetTimestamp();
        var answers = await _database.AskAsync(
            _relation, TimeSpan.FromMilliseconds(400), new("id = 1", ["id"], images), FilterQuestion.About(filter, images), new("id = 2", ["id"], images), new("name = 'b'", ["name"], images));
        answers[0].Verdicts.Should().Equal(true, false);
        answers[1].TookTooLong.Should().BeTrue();
        answers[1].Verdicts.Should().Equal([null, null]);
        answers[2].Verdicts.Should().Equal(false, true);
        answers[3].Verdicts.Should().Equal(false, true);
        Stopwatch.GetElapsedTime(started).Should().BeLessThan(_limit);
    }

    [Fact]
    public async Task An_image_that_lacks_a_column_is_not_judged()
    {
        var incomplete = FilterDatabase.Image(_relation, """{"id":1}""");
        var answers = await AskAsync(new("name is null", ["name"], [incomplete, Image(2, "null")]), new("id = 1", ["id"], [incomplete]), new("name is null", ["name"], [incomplete]));
        answers.Select(answer => answer.Verdicts).Should().BeEquivalentTo(new bool?[][] { [null, true], [true], [null] }, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task A_value_that_its_json_does_not_give_back_is_not_judged()
    {
        var image = Image(1, "\"a\"");
        var inexact = new RowImage(_relation, image.Json) { Inexact = ["name"] };
        var answers = await AskAsync(new("name = 'a'", ["name"], [inexact, image]), new("id = 1", ["id"], [inexact]));
        answers.Select(answer => answer.Verdicts).Should().BeEquivalentTo(new bool?[][] { [null, true], [true] }, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task A_column_that_was_dropped_or_altered_is_an_error_of_its_own_questions()
    {
        RowImage[] images = [Image(1, "\"a\"")];
        await _database.ExecuteAsync("alter table things drop column mood; alter table things alter column name type int using 1");
        var answers = await AskAsync(new("mood is null", ["mood"], images), new("name ~* 'a'", ["name"], images), new("id = 1", ["id"], images));
        answers.Select(answer => answer.Verdicts.Single()).Should().Equal(null, null, true);
        answers.Select(answer => answer.SqlState?[..2]).Should().Equal("42", "42", null);
    }

    [Theory]
    [InlineData("or=(\"a\\\"b.image\".gt.a)", true)]
    [InlineData("or=(\"a\\\"b.image\".lt.a)", false)]
    [InlineData("mood=gt.sad", true)]
    [InlineData("must=ilike.X", true)]
    public async Task Columns_and_types_are_found_whatever_they_are_called(string filter, bool expected)
    {
        var node = await _database.ResolveAsync("things", filter);
        node.IsInMemory.Should().BeFalse();
        var image = FilterDatabase.Image(_relation, """{"id":1,"a\"b.image":"B","mood":"ok","must":"x"}""");
        var answers = await AskAsync(FilterQuestion.About(node, [image]));
        answers[0].Should().BeEquivalentTo(new FilterAnswer([expected], null));
    }

    [Fact]
    public async Task A_value_in_a_question_is_never_more_than_a_value()
    {
        foreach (var value in new[] { "'", "\\'", "'); select 1; --", "\\", "''", "$1", "%s", "{0}" })
        {
            var quoted = value.Replace("\\", "\\\\", StringComparison.Ordinal);
            var node = await _database.ResolveAsync("things", $"or=(\"a\\\"b.image\".gte.\"{quoted}\",name.eq.\"{quoted}\")");
            var image = Image(1, Encoding.UTF8.GetString(JsonText.Encode(value)));
            (await AskAsync(FilterQuestion.About(node, [image])))[0].Should().BeEquivalentTo(new FilterAnswer([true], null), "the value is {0}", value);
        }
    }

    [Fact]
    public async Task Nothing_asked_is_nothing_answered()
    {
        (await AskAsync()).Should().BeEmpty();
        (await AskAsync(new FilterQuestion("id = 1", ["id"], []))).Single().Verdicts.Should().BeEmpty();
    }

    private Task<IReadOnlyList<FilterAnswer>> AskAsync(params FilterQuestion[] questions) => _database.AskAsync(_relation, _limit, questions);

    private RowImage Image(int id, string name) => FilterDatabase.Image(_relation, $$"""{"id":{{id}},"name":{{name}},"a\"b.image":null,"mood":null,"must":"x"}""");
}
