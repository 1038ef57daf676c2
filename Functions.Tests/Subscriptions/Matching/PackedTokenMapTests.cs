using System.Text;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

public sealed class PackedTokenMapTests
{
    [Fact]
    public void It_holds_what_was_put_last_as_it_grows_and_shrinks()
    {
        var random = new Random(1);
        var map = new PackedTokenMap<Entry>();
        var model = new Dictionary<int, Entry>();
        for (var step = 0; step < 60_000; step++)
        {
            // Mostly more for the first half, mostly fewer for the second.
            var number = random.Next(8_000);
            if (random.Next(10) < (step < 30_000 ? 7 : 2))
            {
                model[number] = new Entry();
                map.Put(Token(number), default(CompactSet<Entry>).With(model[number]));
            }
            else
            {
                model.Remove(number);
                map.Put(Token(number), default);
            }

            var asked = random.Next(8_000);
            map.Find(Token(asked)).Single.Should().BeSameAs(model.GetValueOrDefault(asked));
        }

        foreach (var number in model.Keys)
        {
            map.Put(Token(number), default);
        }

        map.IsEmpty.Should().BeTrue();
    }

    private static PackedToken Token(int number) =>
        PackedToken.TryPack(Encoding.UTF8.GetBytes($"{number}"), out var token) ? token : throw new FormatException();
}
