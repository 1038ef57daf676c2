namespace Serverless.Subscriptions.FanOut;

/// <summary>How much of the old row a subscriber is given.</summary>
internal enum OldRecord
{
    /// <summary>None of it: he may not see it, or there is none.</summary>
    Absent,

    /// <summary>Its key.</summary>
    Key,

    /// <summary>All that the log carried.</summary>
    AsLogged,
}

/// <summary>Why a change arrives without its row, as Supabase says it.</summary>
internal enum RowError
{
    None,

    /// <summary>The table has no primary key.</summary>
    NoPrimaryKey,

    /// <summary>The role may not read the primary key.</summary>
    NoPrivilege,
}

/// <summary>The form in which one change goes to one group.</summary>
/// <param name="Columns">The columns that the group receives.</param>
/// <param name="HasLeft">An update after which the row is out of the subscriber's sight: it arrives as a DELETE of the key.</param>
internal readonly record struct ChangeShape(ColumnMask Columns, OldRecord Old, bool HasLeft, RowError Error);
