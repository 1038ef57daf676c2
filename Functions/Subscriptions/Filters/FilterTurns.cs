using Npgsql;

namespace Serverless.Subscriptions.Filters;

/// <summary>Questions that are asked in one statement.</summary>
/// <param name="Places">Their places in the list of all.</param>
/// <param name="Limit">How long the statement may take.</param>
internal sealed record FilterTurn(IReadOnlyList<int> Places, TimeSpan Limit);

/// <summary>Decides which questions are asked together, in what order, and for how long: those who were in time before come first, by themselves.</summary>
/// <remarks>
/// A statement that runs out of time says nothing of whose fault it was. Its questions are then asked in ever smaller groups, with less time each, until the slow ones stand alone or the
/// allowance of <see cref="FilterWatch"/> is used up.
/// </remarks>
internal sealed class FilterTurns
{
    // What an image and a question cost that nobody would call slow. A large batch with many filters has that much more time.
    private static readonly TimeSpan _pair = TimeSpan.FromMicroseconds(10);
    private static readonly TimeSpan _unnoticed = TimeSpan.FromMilliseconds(50);

    // What a statement may take while slow ones are looked for.
    private static readonly TimeSpan _longestSearch = TimeSpan.FromMilliseconds(250);

    private readonly IReadOnlyList<FilterQuestion> _questions;
    private readonly TimeSpan _limit;
    private readonly TimeSpan _shortLimit;
    private readonly FilterWatch _watch;
    private readonly FilterRecord[] _records;
    private readonly FilterAnswer[] _answers;
    private List<int> _proven = [];
    private List<int> _others = [];

    public FilterTurns(IReadOnlyList<FilterQuestion> questions, TimeSpan limit)
    {
        _questions = questions;
        _limit = limit;
        _shortLimit = limit / 4 < _longestSearch ? limit / 4 : _longestSearch;
        _watch = questions.FirstOrDefault(question => question.Record is not null)?.Record!.Watch ?? new FilterWatch(TimeProvider.System);
        _records = [.. questions.Select(question => question.Record ?? new FilterRecord(_watch))];
        _answers = new FilterAnswer[questions.Count];
        for (var i = 0; i < questions.Count; i++)
        {
            if (_records[i].Rest > TimeSpan.Zero)
            {
                GiveUp(i);
            }
            else
            {
                (_records[i].IsProven ? _proven : _others).Add(i);
            }
        }

        _others = [.. _others.OrderBy(i => _records[i].AskedAt)];
    }

    /// <summary>One for each question, once there is no next turn.</summary>
    public IReadOnlyList<FilterAnswer> Answers => _answers;

    public FilterTurn? Next()
    {
        var left = _watch.Left;
        if (_proven.Count > 0)
        {
            var proven = _proven;
            _proven = [];
            return new FilterTurn(proven, (left >= _shortLimit ? _limit : _shortLimit) + Allowance(proven));
        }

        if (left < _shortLimit)
        {
            _others.ForEach(GiveUp);
            _others = [];
        }

        if (_others.Count == 0)
        {
            return null;
        }

        var together = TakeTogether();
        var limit = together.TrueForAll(i => _records[i].MostTogether == FilterRecord.NeverSlow) ? _limit : _shortLimit;
        return new FilterTurn(together, (limit < left ? limit : left) + Allowance(together));
    }

    public void Answer(FilterTurn turn, IReadOnlyList<FilterAnswer> answers, TimeSpan elapsed)
    {
        Spend(elapsed - Allowance(turn.Places) - _unnoticed);
        for (var i = 0; i < turn.Places.Count; i++)
        {
            _records[turn.Places[i]].WasAnswered();
            _answers[turn.Places[i]] = answers[i];
        }
    }

    public void TookTooLong(FilterTurn turn, TimeSpan elapsed)
    {
        Spend(elapsed - Allowance(turn.Places));
        foreach (var i in turn.Places)
        {
            _records[i].TookTooLong(turn.Places.Count);
        }

        if (turn.Places.Count == 1)
        {
            GiveUp(turn.Places[0]);
        }
        else
        {
            _others.InsertRange(0, turn.Places);
        }
    }

    private List<int> TakeTogether()
    {
        var most = int.MaxValue;
        var count = 0;
        while (count < _others.Count && count < Math.Min(most, _records[_others[count]].MostTogether))
        {
            most = Math.Min(most, _records[_others[count]].MostTogether);
            count++;
        }

        var taken = _others[..count];
        _others.RemoveRange(0, count);
        return taken;
    }

    private TimeSpan Allowance(IReadOnlyList<int> places) => places.Sum(i => _questions[i].Images.Count) * _pair;

    private void Spend(TimeSpan lost)
    {
        if (lost > TimeSpan.Zero)
        {
            _watch.Spend(lost);
        }
    }

    private void GiveUp(int place) => _answers[place] = new FilterAnswer(new bool?[_questions[place].Images.Count], PostgresErrorCodes.QueryCanceled)
    {
        Rest = _records[place].Rest > TimeSpan.Zero ? _records[place].Rest : null,
    };
}
