public import ZooKeeper

/// Where a contender stands in the queue, as of one look at it.
public struct QueuePosition: Hashable, Sendable {
    /// The contender's own znode.
    public var node: NodePath
    /// The token that it will hold with.
    public var fencingToken: FencingToken
    /// How many are in front of it; 0 for the one who holds.
    public var ahead: Int
    /// The znode directly in front.
    public var predecessor: NodePath?
}
