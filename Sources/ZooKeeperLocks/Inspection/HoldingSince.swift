import ZooKeeper

/// Since when the contender at the head of a queue holds, as far as somebody who looks on can know.
///
/// The servers keep no history: a node's `Stat` tells when it came, and nothing tells when another one went. Three things are known all the same:
///
/// - The last thing that happened to the list of children is the creation of the head itself. So nobody has left since it came, and
///   nobody is ahead of it: it held from the beginning.
/// - Its number is 0: it was the first one ever.
/// - The release record in the parent's data names the contender whose number is the one before: nobody was ever between the two. So it
///   held from the moment when that was written, which the parent's `Stat` tells, or from its own creation if that was later.
enum HoldingSince {
    /// - Parameters:
    ///   - parent: the `Stat` of the lock's path, as of the listing.
    ///   - record: the path's data, in the same version.
    /// - Returns: milliseconds since 1970, by the servers' clock; `nil` where it cannot be known.
    static func moment(_ head: ContenderName, _ entry: QueueEntry, parent: Stat, record: ParentData?) -> Int64? {
        if head.sequence.rawValue == 0 || parent.pzxid == entry.fencingToken.rawValue { return entry.entered }
        guard case .ours(let lastHead?, _)? = record, entry.claim == .exclusive, lastHead.claim == .exclusive,
            lastHead.sequence.rawValue &+ 1 == head.sequence.rawValue
        else { return nil }
        return parent.mzxid < entry.fencingToken.rawValue ? entry.entered : parent.mtime
    }
}

extension QueueReader {
    /// Completes a look at the queue. What may not be read, or has changed since, is not known.
    func holdingSince(_ snapshot: QueueSnapshot, _ parent: Stat) async -> Int64? {
        guard let holder = snapshot.holder, let name = ContenderName(String(holder.node.name)) else { return nil }
        if let moment = HoldingSince.moment(name, holder, parent: parent, record: nil) { return moment }
        guard parent.dataLength > 0, let (data, stat) = try? await client.get(path), stat.mzxid == parent.mzxid else {
            return nil
        }
        return HoldingSince.moment(name, holder, parent: parent, record: ParentData(data))
    }
}
