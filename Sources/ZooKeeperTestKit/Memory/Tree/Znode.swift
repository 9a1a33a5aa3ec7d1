package import ZooKeeper

/// One znode: its data, its access rights, its children, and what its `Stat` is made of.
package struct Znode: Hashable, Sendable {
    package var data: [UInt8]
    package var acl: [ACL]
    package var lifetime: Lifetime
    package var czxid: Int64
    package var mzxid: Int64
    package var pzxid: Int64
    package var ctime: Int64
    package var mtime: Int64
    package var version: Int32 = 0
    package var aversion: Int32 = 0
    /// How many children were ever created here: the next sequence number.
    package var childrenCreated: Int32 = 0
    package var children: Set<NodePath> = []

    init(data: [UInt8] = [], acl: [ACL], lifetime: Lifetime = .persistent, zxid: Int64, time: Int64) {
        self.data = data
        self.acl = acl
        self.lifetime = lifetime
        (czxid, mzxid, pzxid) = (zxid, zxid, zxid)
        (ctime, mtime) = (time, time)
    }

    package var stat: Stat {
        let count = Int32(truncatingIfNeeded: children.count)
        return Stat(
            czxid: czxid, mzxid: mzxid, pzxid: pzxid, ctime: ctime, mtime: mtime, version: version,
            // The servers count creations and derive the number of changes, deletions included, from that.
            cversion: childrenCreated &* 2 &- count, aversion: aversion,
            ephemeralOwner: lifetime.ephemeralOwner, dataLength: Int32(truncatingIfNeeded: data.count),
            numChildren: count)
    }

    /// In the order of their bytes; the servers have no order.
    package var childNames: [String] {
        children.map { String($0.name) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
