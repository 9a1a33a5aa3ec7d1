internal import CZooKeeper

/// The memory of one transaction: what C reads when it is submitted, and what C writes when the answer comes.
///
/// `@unchecked Sendable`: filled by one thread before the submission and read by the completion thread after it, with the lock
/// of ``Bridge/handle`` between them; nobody else sees it.
final class TransactionBuffer: @unchecked Sendable {
    let operations: UnsafeMutablePointer<zoo_op_t>
    let results: UnsafeMutablePointer<zoo_op_result_t>
    private let stats: UnsafeMutablePointer<CZooKeeper.Stat>
    private let kinds: [Transaction.Operation]
    private let chroot: Chroot
    /// All paths and data, one behind the other.
    private let bytes: UnsafeMutablePointer<CChar>
    private var used = 0
    private var vectors: [(ACLVector, UnsafeMutablePointer<ACL_vector>)] = []
    /// What the server calls the nodes that are made, by the number of the operation.
    private var created: [Int: UnsafeMutablePointer<CChar>] = [:]

    /// The server appends a number of up to eleven characters.
    private static let longestNumber = 16

    init(_ kinds: [Transaction.Operation], beneath chroot: Chroot) {
        self.kinds = kinds
        self.chroot = chroot
        operations = .allocate(capacity: kinds.count)
        results = .allocate(capacity: kinds.count)
        stats = .allocate(capacity: kinds.count)
        operations.initialize(repeating: zoo_op_t(), count: kinds.count)
        results.initialize(repeating: zoo_op_result_t(), count: kinds.count)
        stats.initialize(repeating: CZooKeeper.Stat(), count: kinds.count)
        let paths = kinds.map { chroot.full($0.path) }
        bytes = .allocate(capacity: zip(kinds, paths).reduce(0) { $0 + Self.size(of: $1.0, at: $1.1) })
        for (index, path) in paths.enumerated() { fill(index, kinds[index], at: path) }
    }

    /// How many bytes an operation needs: its path and, of a creation, room for another; and its data.
    private static func size(of kind: Transaction.Operation, at path: String) -> Int {
        let length = path.utf8.count + 1
        return switch kind {
        case .create(_, let data, _, _): length + data.count + length + longestNumber
        case .set(_, let data, _): length + data.count
        case .delete, .check: length
        }
    }

    private func fill(_ index: Int, _ kind: Transaction.Operation, at full: String) {
        let operation = operations + index
        let path = full.withBytes { copy($0, padding: 1) }
        switch kind {
        case .create(_, let data, let mode, let acl):
            let capacity = full.utf8.count + 1 + Self.longestNumber
            let buffer = copy([], padding: capacity)
            created[index] = buffer
            let vector = ACLVector(acl)
            let pointer = UnsafeMutablePointer<ACL_vector>.allocate(capacity: 1)
            pointer.initialize(to: vector.vector)
            vectors.append((vector, pointer))
            zoo_create_op_init(
                operation, path, copy(data), Int32(data.count), pointer, mode.flags, buffer, Int32(capacity))
        case .delete(_, let version):
            zoo_delete_op_init(operation, path, version ?? -1)
        case .set(_, let data, let version):
            zoo_set_op_init(operation, path, copy(data), Int32(data.count), version ?? -1, stats + index)
        case .check(_, let version):
            zoo_check_op_init(operation, path, version ?? -1)
        }
    }

    private func copy(_ data: [UInt8], padding: Int = 0) -> UnsafeMutablePointer<CChar> {
        data.withUnsafeBufferPointer { copy($0, padding: padding) }
    }

    /// - Parameter padding: so many zeros come behind it.
    private func copy(_ data: UnsafeBufferPointer<UInt8>, padding: Int) -> UnsafeMutablePointer<CChar> {
        let start = bytes + used
        data.withMemoryRebound(to: CChar.self) {
            if let source = $0.baseAddress { start.initialize(from: source, count: $0.count) }
        }
        (start + data.count).initialize(repeating: 0, count: padding)
        used += data.count + padding
        return start
    }

    /// What the transaction gave, once C has written the results.
    func result(_ status: Int32) -> Result<Reply, Refusal> {
        guard status == 0 else {
            var refusal = Refusal(status: status)
            // Where the server refused, operations before the one that failed carry 0, those behind it "runtime inconsistency".
            if !refusal.mayBeExecuted { refusal.failedOperation = kinds.indices.first { results[$0].err == status } }
            return .failure(refusal)
        }
        return .success(
            .committed(
                kinds.enumerated().map { index, kind in
                    switch kind {
                    case .create(let path, _, _, _):
                        .created(created[index].map { chroot.relative(String(cString: $0)) } ?? path)
                    case .delete: .deleted
                    case .set: .set(Stat(stats[index]))
                    case .check: .checked
                    }
                }))
    }

    deinit {
        for (_, pointer) in vectors { pointer.deallocate() }
        bytes.deallocate()
        operations.deallocate()
        results.deallocate()
        stats.deallocate()
    }
}
