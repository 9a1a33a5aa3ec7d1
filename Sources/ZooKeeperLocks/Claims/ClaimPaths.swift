import ZooKeeper

/// Where the znodes of one item lie.
///
/// Three of them, made in one transaction:
///
/// - the *claim*, ephemeral, by whose name nobody else can claim the item;
/// - the *record*, persistent, which outlives an owner that ends uncleanly, and whose version is the number of the attempt;
/// - the *mark*, ephemeral, beneath the record, by whose name this claim is told from every other one: what hangs on it can neither
///   happen twice nor hit somebody else.
///
/// A clean end removes all three in one transaction. Whoever finds a record without a claim knows that its owner did not come that far.
struct ClaimPaths: Hashable, Sendable {
    var claim: NodePath
    var record: NodePath
    var mark: NodePath

    /// - Parameter mark: unique.
    init(_ path: NodePath, item: String, mark: String) {
        claim = Self.claims(path).appending(unchecked: item)
        record = Self.records(path).appending(unchecked: item)
        self.mark = record.appending(unchecked: mark)
    }

    static func claims(_ path: NodePath) -> NodePath { path.appending(unchecked: "claims") }
    static func records(_ path: NodePath) -> NodePath { path.appending(unchecked: "attempts") }

    /// What a path needs beneath it, in bytes.
    static let roomForNames = BatchClaim.maximumItemLength + 64
}

extension ClaimPaths {
    /// Claims an item that has no record.
    func first(_ record: [UInt8], _ acl: [ACL]) -> [Transaction.Operation] {
        [
            .create(claim, data: [], mode: .ephemeral, acl: acl),
            .create(self.record, data: [], mode: .persistent, acl: acl),
            .create(mark, data: [], mode: .ephemeral, acl: acl),
            // Of the results only this one tells the number of the transaction.
            .set(self.record, data: record, version: nil),
        ]
    }

    /// Claims an item whose last owner ended uncleanly.
    func next(after version: Int32, _ record: [UInt8], _ acl: [ACL]) -> [Transaction.Operation] {
        [
            .create(claim, data: [], mode: .ephemeral, acl: acl),
            .set(self.record, data: record, version: version),
            .create(mark, data: [], mode: .ephemeral, acl: acl),
        ]
    }

    /// Gives an item back. The mark comes first: once it is gone, a repetition changes nothing.
    ///
    /// - Parameter cleanly: without leaving the record.
    func end(_ version: Int32, cleanly: Bool) -> [Transaction.Operation] {
        [
            .delete(mark, version: nil),
            cleanly ? .delete(record, version: version) : .check(record, version: version),
            .delete(claim, version: nil),
        ]
    }
}
