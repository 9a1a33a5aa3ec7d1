import FoundationEssentials
import ZooKeeper

/// What is done by whoever has the turn.
extension RunOnce {
    /// How often a result is offered to servers that do not answer.
    private static let maximumOffers = 5
    /// Of the description of an error that is shared, in UTF-8 bytes.
    private static let maximumDescription = 4096

    func run(
        _ compute: (Lease) async throws -> [UInt8], _ judgement: RunOnceJudgement, _ lease: Lease
    ) async throws -> [UInt8] {
        while true {
            // Whoever was ahead may have left a result.
            let view = try await session { () async throws(ZooKeeperError) in try await look() }
            let verdict = try await session { () async throws(ZooKeeperError) in try await judged(view, judgement) }
            if let value = try value(of: verdict) { return value }
            let bytes: [UInt8]
            do {
                bytes = try await compute(lease)
                guard bytes.count <= Self.maximumLength else {
                    throw RunOnceError.tooLarge(path, length: bytes.count, limit: Self.maximumLength)
                }
            } catch {
                if options.failure == .share, !Task.isCancelled, !error.saysNoMoreThanCancelled {
                    // Whoever waits computes if this does not work: its own error is what the caller is to see.
                    _ = try? await publish(.failure(Self.description(of: error)), over: view, lease)
                }
                throw error
            }
            if try await publish(.value(bytes), over: view, lease) { return bytes }
        }
    }

    private static func description(of error: any Error) -> String {
        var text = "\(error)"
        while text.utf8.count > maximumDescription { text = String(text.prefix(text.count * 3 / 4)) }
        return text
    }

    /// Stores it if the lease is held at that very moment, and the znode is as it was when the computation began.
    ///
    /// - Returns: `false` when somebody has invalidated the result since.
    private func publish(
        _ kind: RunOnceRecord.Kind, over view: RunOnceView, _ lease: Lease
    ) async throws(LockError) -> Bool {
        let run = RandomUUID.next()
        let record = RunOnceRecord(kind, run: run, owner: .current(label: options.label)).data
        var transaction = Transaction()
        transaction.check(lease.node)
        if view.exists {
            transaction.set(result, data: record, version: view.version)
        } else {
            transaction.create(result, data: record, acl: options.acl)
        }
        var offers = 0
        while true {
            try lease.checkHeld()
            do throws(ZooKeeperError) {
                try await client.commit(transaction)
                return true
            } catch {
                switch (error.code, error.failedOperation) {
                case (.noNode, 0):
                    try lease.checkHeld()
                    throw .lost(lease.path, .nodeDeleted, token: lease.fencingToken)
                case (.nodeExists, _), (.badVersion, _), (.noNode, _):
                    // It may be what an earlier offer has stored, whose answer was lost.
                    let found = try await session { () async throws(ZooKeeperError) in try await look() }
                    return found.record?.run == run
                default:
                    offers += 1
                    guard error.isRetriable, offers < Self.maximumOffers else {
                        throw error.code == .cancelled ? .cancelled(path) : .session(error)
                    }
                    await error.pauseIfThrottled()
                }
            }
        }
    }

    /// The same for a value that is written as JSON.
    ///
    /// - Throws: as ``value(timeout:isolation:file:line:_:)`` does, and `EncodingError` or `DecodingError`.
    public func value<Value: Codable & Sendable>(
        as type: Value.Type,
        timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        file: String = #fileID,
        line: Int = #line,
        _ compute: (Lease) async throws -> Value
    ) async throws -> Value {
        let bytes = try await value(timeout: timeout, isolation: isolation, file: file, line: line) { lease in
            [UInt8](try JSONEncoder().encode(try await compute(lease)))
        }
        return try JSONDecoder().decode(Value.self, from: Data(bytes))
    }
}
