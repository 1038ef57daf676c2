using Serverless.Changes;
using Serverless.Subscriptions.Matching;

namespace Serverless.Subscriptions.FanOut;

/// <summary>What one batch holds for one group on one table, in order.</summary>
internal sealed record GroupChanges(SubscriberGroup Group, Relation Relation, ColumnMask Columns, List<ShapedChange> Changes);

internal readonly record struct ShapedChange(RowChange Change, ChangeShape Shape);
