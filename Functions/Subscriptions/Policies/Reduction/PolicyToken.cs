namespace Serverless.Subscriptions.Policies.Reduction;

internal enum PolicyTokenKind
{
    /// <summary>An unquoted name or keyword.</summary>
    Word,
    QuotedName,
    Text,
    Number,

    /// <summary>An operator, <c>::</c> among them.</summary>
    Operator,

    /// <summary>One of <c>( ) [ ] , .</c></summary>
    Mark,
    End,
}

/// <param name="Text">As written; a quoted name without its quotes.</param>
internal readonly record struct PolicyToken(PolicyTokenKind Kind, string Text, int Start, int End)
{
    public bool Is(string text) => Kind is not (PolicyTokenKind.QuotedName or PolicyTokenKind.Text) && Text == text;
}
