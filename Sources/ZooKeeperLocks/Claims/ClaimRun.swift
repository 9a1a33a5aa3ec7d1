import Locking
import ZooKeeper

/// Claims items in one session: carries out what ``ClaimRound`` and the ``ItemClaim``s decide. All requests of a moment are handed over
/// back to back.
final class ClaimRun: Sendable {
    struct Obtained: Sendable {
        var index: Int
        var paths: ClaimPaths
        var zxid: Int64
        var attempt: Int
        var previous: Owner?
    }

    typealias Outcome = Result<[Obtained], RequestFailure>

    private struct Core {
        var round: ClaimRound
        var claims: [Int: ItemClaim] = [:]
        var obtained: [Obtained] = []
        var isOver = false
    }

    private let recipe: BatchClaim
    private let session: Session
    private let items: [String]
    private let deadline: ContinuousClock.Instant
    private let record: [UInt8]
    /// Of all marks of this run; an item's is told apart by the record that it lies beneath.
    private let mark = RandomUUID.next()
    private let core: Locked<Core>
    private let outcome = Promise<Outcome>()

    init(
        _ recipe: BatchClaim, _ items: [String], wanted: Int, in session: Session, by deadline: ContinuousClock.Instant
    ) {
        self.recipe = recipe
        self.session = session
        self.items = items
        self.deadline = deadline
        record = Owner.current(label: recipe.options.label, payload: recipe.options.payload).data
        core = Locked(Core(round: ClaimRound(items, wanted: wanted)))
    }

    func run() async -> Outcome {
        await withTaskCancellationHandler {
            // A cancellation may have come first.
            goOn()
            return await outcome.value()
        } onCancel: {
            end(RequestFailure(.cancelled))
        }
    }

    // MARK: What is asked

    private func goOn() {
        while true {
            let (step, isOver) = core.withLock { core -> (ClaimRound.Step?, [Obtained]?) in
                guard !core.isOver else { return (nil, nil) }
                if let step = core.round.next() {
                    if case .claim(let index) = step { core.claims[index] = ItemClaim() }
                    return (step, nil)
                }
                guard core.round.isOver else { return (nil, nil) }
                core.isOver = true
                return (nil, core.obtained)
            }
            switch step {
            case .claim(let index): ask(.first, index)
            case .list: list()
            case nil:
                if let isOver { outcome.resolve(.success(isOver.sorted { $0.index < $1.index })) }
                return
            }
        }
    }

    private func list() {
        session.submit(.children(ClaimPaths.claims(recipe.path), watch: nil), deadline: deadline) { [self] result in
            var names: [String]?
            if case .success(.children(let found, _)) = result { names = found }
            core.withLock { [names] in $0.round.listed(names) }
            goOn()
        }
    }

    private func paths(_ index: Int) -> ClaimPaths {
        ClaimPaths(recipe.path, item: items[index], mark: mark)
    }

    private func ask(_ question: ItemClaim.Question, _ index: Int) {
        let paths = paths(index)
        let acl = recipe.options.acl
        let request: Request
        switch question {
        case .first: request = .commit(paths.first(record, acl))
        case .next(let version): request = .commit(paths.next(after: version, record, acl))
        case .readRecord, .readOwnRecord: request = .get(paths.record, watch: nil)
        case .check: request = .commit([.check(paths.mark, version: nil)])
        case .makeParents: return makeParents(index)
        }
        session.submit(request, deadline: deadline) { [self] in answered(Self.answer($0), index) }
    }

    private func makeParents(_ index: Int) {
        let acl = recipe.options.acl
        session.ensureExists(ClaimPaths.claims(recipe.path), data: [], acl: acl, deadline: deadline) { [self] result in
            if case .failure(let failure) = result { return answered(.failed(failure), index) }
            session.ensureExists(ClaimPaths.records(recipe.path), data: [], acl: acl, deadline: deadline) {
                [self] result in
                if case .failure(let failure) = result { return answered(.failed(failure), index) }
                answered(.done, index)
            }
        }
    }

    private static func answer(_ result: RequestResult) -> ItemClaim.Answer {
        switch result {
        case .failure(let failure): return .failed(failure)
        case .success(.data(let data, let stat)): return .record(data, stat)
        case .success(.committed(let results)):
            for result in results { if case .set(let stat) = result { return .claimed(stat) } }
            return .done
        case .success: return .failed(RequestFailure(.internalInconsistency, detail: "an answer of another kind"))
        }
    }

    // MARK: What came of it

    private func answered(_ answer: ItemClaim.Answer, _ index: Int) {
        enum Next {
            case ask(ItemClaim.Question), askLater(ItemClaim.Question), goOn
            case end(RequestFailure, ClaimRemoval?)
            /// Nobody waits for it any more.
            case giveBack(ClaimRemoval)
            case nothing
        }
        let next = core.withLock { core -> Next in
            guard var claim = core.claims[index] else { return .nothing }
            let verdict = claim.answered(answer)
            core.claims[index] = claim
            guard !core.isOver else {
                core.claims[index] = nil
                return removal(of: index, claim, verdict).map { .giveBack($0) } ?? .nothing
            }
            switch verdict {
            case .ask(let question): return .ask(question)
            case .askLater(let question): return .askLater(question)
            case .failed(let failure):
                core.claims[index] = nil
                return .end(failure, removal(of: index, claim, verdict))
            case .taken:
                core.claims[index] = nil
                core.round.wasTaken(index)
                return .goOn
            case .obtained(let zxid, let attempt, let previous):
                core.claims[index] = nil
                core.round.wasObtained(index)
                core.obtained.append(
                    Obtained(index: index, paths: paths(index), zxid: zxid, attempt: attempt, previous: previous))
                return .goOn
            }
        }
        switch next {
        case .ask(let question): ask(question, index)
        case .askLater(let question):
            TimerThread.shared.schedule(at: .now + .milliseconds(50)) { [self] in
                let isOver = core.withLock(\.isOver)
                isOver ? answered(.failed(RequestFailure(.cancelled)), index) : ask(question, index)
            }
        case .goOn: goOn()
        case .end(let failure, let removal):
            removal?.start()
            end(failure)
        case .giveBack(let removal): removal.start()
        case .nothing: break
        }
    }

    /// What has to be done about an item for nobody, by the answer that has come at last.
    private func removal(of index: Int, _ claim: ItemClaim, _ verdict: ItemClaim.Verdict) -> ClaimRemoval? {
        if case .obtained(_, let attempt, _) = verdict { return removal(of: paths(index), attempt: attempt) }
        guard claim.isDoubtful else { return nil }
        var removal = removal(of: paths(index), attempt: claim.attempt)
        removal.looksTwice = true
        return removal
    }

    /// Nothing was done about the item. But a record of those who came before stays.
    private func removal(of paths: ClaimPaths, attempt: Int) -> ClaimRemoval {
        ClaimRemoval(
            client: recipe.client, session: session, paths: paths, version: Int32(attempt), cleanly: attempt == 1)
    }

    /// Gives everything back. What is still under way is, when its answer comes.
    private func end(_ failure: RequestFailure) {
        let removals = core.withLock { core -> [ClaimRemoval]? in
            guard !core.isOver else { return nil }
            core.isOver = true
            defer { core.obtained = [] }
            return core.obtained.map { removal(of: $0.paths, attempt: $0.attempt) }
        }
        guard let removals else { return }
        ClaimRemoval.start(removals)
        afterAnswers { [self] in
            // By now what was under way is answered, and what that left is being removed.
            afterAnswers { [self] in outcome.resolve(.failure(failure)) }
        }
    }

    /// Answers come in the order of their requests.
    private func afterAnswers(_ body: @escaping @Sendable () -> Void) {
        session.submit(.exists(recipe.path, watch: nil), deadline: .now + .milliseconds(500)) { _ in body() }
    }
}
