using Serverless.Changes;
using Serverless.Subscriptions.Filters;

namespace Serverless.Subscriptions.Matching;

/// <summary>One look-up: judges the predicates that an index proposes for an image and collects their entries.</summary>
internal readonly ref struct PredicateMatch<T>
    where T : class
{
    // A thread keeps these from one look-up to the next, so that most look-ups allocate nothing.
    [ThreadStatic]
    private static List<PredicateNode<T>>? _found;

    [ThreadStatic]
    private static HashSet<PredicateNode<T>>? _judged;

    private readonly RowImage _image;
    private readonly List<(T Entry, Truth Truth)> _into;

    public PredicateMatch(RowImage image, List<(T Entry, Truth Truth)> into)
    {
        _image = image;
        _into = into;
        _judged?.Clear();
    }

    public void Judge(CompactSet<PredicateNode<T>> nodes)
    {
        if (nodes.Single is { } single)
        {
            Judge(single);
            return;
        }

        foreach (var node in nodes.All())
        {
            Judge(node);
        }
    }

    public void Judge(RangeTable<T> table)
    {
        var found = _found ??= [];
        found.Clear();
        table.Find(_image, found);
        foreach (var node in found)
        {
            Judge(node);
        }

        found.Clear();
    }

    private void Judge(PredicateNode<T> node)
    {
        if (node.MayRepeat && !(_judged ??= new(ReferenceEqualityComparer.Instance)).Add(node))
        {
            return;
        }

        var truth = node.Rest is not { } rest ? Truth.True : rest.CanJudge(_image) ? rest.Select(_image) : Truth.Unknown;
        if (truth is Truth.True or Truth.Ask)
        {
            node.CopyTo(_into, truth);
        }
    }
}
