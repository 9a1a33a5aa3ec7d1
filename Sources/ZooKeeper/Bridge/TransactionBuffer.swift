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
    private var strings: [UnsafeMutableRawPointer] = []
    private var vectors: [(ACLVector, UnsafeMutablePointer<ACL_vector>)] = []
    private var paths: [UnsafeMutablePointer<CChar>?] = []

    private let chroot: Chroot

    init(_ kinds: [Transaction.Operation], beneath chroot: Chroot) {
        self.kinds = kinds
        self.chroot = chroot
        operations = .allocate(capacity: kinds.count)
        results = .allocate(capacity: kinds.count)
        stats = .allocate(capacity: kinds.count)
        operations.initialize(repeating: zoo_op_t(), count: kinds.count)
        results.initialize(repeating: zoo_op_result_t(), count: kinds.count)
        stats.initialize(repeating: CZooKeeper.Stat(), count: kinds.count)
        for (index, kind) in kinds.enumerated() { fill(index, kind) }
    }

    private func fill(_ index: Int, _ kind: Transaction.Operation) {
        let operation = operations + index
        let full = chroot.full(kind.path)
        let path = copy(Array(full.utf8) + [0])
        var created: UnsafeMutablePointer<CChar>?
        switch kind {
        case .create(_, let data, let mode, let acl):
            // The server appends a number of up to eleven characters.
            let capacity = full.utf8.count + 16
            let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
            buffer.initialize(repeating: 0, count: capacity)
            created = buffer
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
        paths.append(created)
    }

    private func copy(_ bytes: [UInt8]) -> UnsafePointer<CChar> {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        strings.append(memory)
        return UnsafePointer(memory.assumingMemoryBound(to: CChar.self))
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
                        .created(paths[index].map { chroot.relative(String(cString: $0)) } ?? path)
                    case .delete: .deleted
                    case .set: .set(Stat(stats[index]))
                    case .check: .checked
                    }
                }))
    }

    deinit {
        for memory in strings { memory.deallocate() }
        for (_, pointer) in vectors { pointer.deallocate() }
        for path in paths { path?.deallocate() }
        operations.deallocate()
        results.deallocate()
        stats.deallocate()
    }
}
