import ZooKeeper

/// How one item is claimed: an answer in, what to ask next out. No clock, no I/O.
struct ItemClaim: Sendable {
    enum Question: Hashable, Sendable {
        /// The first attempt at this item, as nearly all are.
        case first
        /// The next attempt at an item whose record has that version.
        case next(after: Int32)
        case makeParents
        case readRecord
        /// Whether the mark is there: a write, so that whatever was asked before is decided by then.
        case check
        /// What the transaction that made the mark has written.
        case readOwnRecord
    }

    enum Answer: Sendable {
        /// What came of writing the record.
        case claimed(Stat)
        case record([UInt8], Stat)
        case done
        case failed(RequestFailure)
    }

    enum Verdict: Sendable {
        case ask(Question)
        /// The servers are too busy for it now.
        case askLater(Question)
        /// - Parameter previous: who ended uncleanly.
        case obtained(zxid: Int64, attempt: Int, previous: Owner?)
        case taken
        case failed(RequestFailure)
    }

    private(set) var question = Question.first
    /// An answer to a claim was lost: it may be there all the same.
    private(set) var isDoubtful = false
    /// The last claim that was tried would be this attempt.
    private(set) var attempt = 1
    /// Somebody has the claim, who may be ourselves.
    private var isTaken = false
    private var previous: Owner?
    private var parentsMade = 0

    private static let maximumParents = 10

    mutating func answered(_ answer: Answer) -> Verdict {
        if case .failed(let failure) = answer { return failed(failure) }
        switch (question, answer) {
        case (.first, .claimed(let stat)), (.next, .claimed(let stat)):
            return .obtained(zxid: stat.mzxid, attempt: Int(stat.version), previous: previous)
        case (.makeParents, .done):
            return ask(.first)
        case (.readRecord, .record(let data, let stat)):
            // Whoever has a mark there has the claim too.
            guard stat.numChildren == 0 else { return taken() }
            previous = Owner(data)
            return ask(.next(after: stat.version))
        case (.check, .done):
            return ask(.readOwnRecord)
        case (.readOwnRecord, .record(_, let stat)):
            return .obtained(zxid: stat.mzxid, attempt: Int(stat.version), previous: stat.version > 1 ? previous : nil)
        default:
            return .failed(RequestFailure(.internalInconsistency, detail: "an answer of another kind"))
        }
    }

    private mutating func ask(_ question: Question) -> Verdict {
        self.question = question
        if case .first = question {
            attempt = 1
            previous = nil
        }
        if case .next(let version) = question { attempt = Int(version) + 1 }
        return .ask(question)
    }

    private mutating func taken() -> Verdict {
        guard isDoubtful else { return .taken }
        isTaken = true
        return ask(.check)
    }

    private mutating func failed(_ failure: RequestFailure) -> Verdict {
        switch question {
        case .first, .next: claimFailed(failure)
        case .check where failure.code == .noNode:
            // A write was decided behind whatever was lost.
            isTaken ? .taken : ask(.first)
        case .readRecord where failure.code == .noNode: ask(.first)
        default: again(failure)
        }
    }

    private mutating func claimFailed(_ failure: RequestFailure) -> Verdict {
        switch (failure.code, failure.failedOperation) {
        case (.nodeExists, 0): return taken()
        case (.nodeExists, 1): return ask(.readRecord)
        // Somebody was quicker, whose attempt is over already.
        case (.badVersion, _): return ask(.readRecord)
        case (.noNode, 1) where question != .first: return ask(.first)
        case (.noNode, _) where parentsMade < Self.maximumParents:
            parentsMade += 1
            return ask(.makeParents)
        default: break
        }
        if failure.outcomeIsUnknown { isDoubtful = true }
        guard isDoubtful, failure.code == .connectionLost else { return again(failure) }
        return ask(.check)
    }

    private func again(_ failure: RequestFailure) -> Verdict {
        switch failure.code {
        case .connectionLost: .ask(question)
        case .throttled, .sessionMoved, .notReadOnly: .askLater(question)
        default: .failed(failure)
        }
    }
}
