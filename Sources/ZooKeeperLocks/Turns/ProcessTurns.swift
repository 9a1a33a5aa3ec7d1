import Locking
import ZooKeeper

/// Drives one ``TurnMachine``: the contender that the tasks of this process share, for one client and path.
///
/// A turn is one step of the machine under a lock, and the resumption of a task; the servers are asked when the znode comes and goes.
final class ProcessTurns: Sendable {
    typealias Machine = TurnMachine<TurnWaiter>

    private struct State {
        var machine: Machine
        /// Of which the machine has not heard the last.
        var contenders: [Int: Contender] = [:]
        /// Who holds in this process.
        var holder: LocalTurn?
        /// Who left as the last, and is told when its entry is withdrawn.
        var leaving: [Int: TurnWaiter] = [:]
        var watch: (node: Int, session: Session, id: WatchID)?
        /// When the machine comes back by itself.
        var timer: TimerThread.ID?
        /// The znode that was given back last.
        var previous: NodePath?
        /// Which one others were ahead of.
        var hasWaited: Int?
    }

    /// What is done outside of the lock.
    private enum Work {
        case grant(TurnWaiter, LocalTurn)
        case lose(LocalTurn, LossReason)
        case enter(Contender)
        case withdraw(Contender, QueueMachine.Departure)
        case giveBack(Contender, Watch?, TimerThread.ID?)
        case fail([TurnWaiter], Contender)
        case look(Contender, node: Int)
        case wake(at: Duration)
    }

    private typealias Watch = (session: Session, id: WatchID)

    /// How the znode is made.
    let entrance: QueueEntrance
    private let state: Locked<State>
    private let start = Uptime.now

    init(_ entrance: QueueEntrance, maxConsecutive: Int, linger: Duration) {
        self.entrance = entrance
        state = Locked(
            State(machine: Machine(maxConsecutive: maxConsecutive, linger: linger.bounded)))
    }

    private var now: Duration { Uptime.now - start }

    // MARK: What tasks ask for

    /// A turn at once, if there is one to be had without waiting.
    func take() -> LocalTurn? {
        while true {
            let (turn, work) = state.withLock { state -> (LocalTurn?, [Work]) in
                guard let turn = state.machine.take(), let contender = state.contenders[turn.node] else {
                    return (nil, [])
                }
                let local = LocalTurn(turn, of: contender, self)
                state.holder = local
                return (local, prepare(&state))
            }
            perform(work)
            guard let turn else { return nil }
            // Nobody may have been told yet that it is over.
            guard turn.contender.lossByNow() != nil else { return turn }
            turn.end()
        }
    }

    /// Lines up.
    ///
    /// - Returns: how many are ahead in this process, where that means that it does not wait.
    func ask(_ waiter: TurnWaiter, mayWait: Bool) -> Int? {
        let (answer, contender) = step { state -> (Machine.Answer, Contender?) in
            let answer = state.machine.ask(waiter, mayWait: mayWait)
            guard case .held(let node, _) = state.machine.node, let contender = state.contenders[node] else {
                return (answer, nil)
            }
            if case .taken(let turn) = answer {
                let local = LocalTurn(turn, of: contender, self)
                state.holder = local
                waiter.settle(.granted(local))
            }
            return (answer, contender)
        }
        switch answer {
        case .taken: break
        case .waits(let ticket, let ahead):
            if let contender { waiter.onPosition?(contender.position(ahead: ahead)) }
            if let departure = waiter.waits(with: ticket) { leave(waiter, ticket, departure) }
        case .refused(let ahead): return ahead
        }
        return nil
    }

    func leave(_ waiter: TurnWaiter, _ departure: QueueMachine.Departure) {
        if let ticket = waiter.leave(departure) { leave(waiter, ticket, departure) }
    }

    private func leave(_ waiter: TurnWaiter, _ ticket: UInt64, _ departure: QueueMachine.Departure) {
        let now = now
        let leave = step { $0.machine.leave(ticket, at: now) }
        if case .left(_, let ahead) = leave { waiter.settle(.left(departure, ahead: ahead)) }
    }

    /// - Returns: a contender that has left by that, with nobody here to follow it.
    func ended(_ turn: LocalTurn) -> Contender? {
        let node = turn.turn.node
        // What is over is not handed on.
        if let loss = turn.contender.lossByNow() { lost(node, loss) }
        let now = now
        return step { state in
            if state.holder === turn { state.holder = nil }
            state.machine.ended(turn.turn, at: now)
            return state.machine.node == .none ? turn.contender : nil
        }
    }

    /// The znode by which this process holds.
    var heldNode: NodePath? {
        state.withLock { state -> Contender? in
            guard case .held(let node, _) = state.machine.node else { return nil }
            return state.contenders[node]
        }?.node
    }

    /// Who queues for this process.
    var entering: Contender? {
        state.withLock { state in
            guard case .entering(let node, _) = state.machine.node else { return nil }
            return state.contenders[node]
        }
    }

    // MARK: What becomes of the contender

    private func told(_ node: Int, _ report: Contender.Report) {
        switch report {
        case .revoked: step { $0.machine.revoked(node) }
        case .settled(.granted(let own)):
            guard let contender = state.withLock({ $0.contenders[node] }) else { return }
            let work = state.withLock { state in
                state.machine.granted(node, czxid: own.czxid, hasWaited: state.hasWaited == node)
                return prepare(&state)
            }
            contender.onLoss { [self] in lost(node, $0) }
            // Its machine is still busy with the grant; see ``Contender/post(_:of:)``.
            contender.whenAtRest { [self] in perform(work) }
            if let waiter = state.withLock({ $0.leaving.removeValue(forKey: node) }) {
                // It was granted all the same, and is given back.
                state.withLock { _ = $0.contenders.removeValue(forKey: node) }
                waiter.settle(.departed(waiter.departure ?? .cancelled, contender))
            }
        case .settled(.departed(let departure, _)):
            let contender = step { state in
                state.machine.departed(node, isTaken: departure == .unavailable)
                return state.contenders[node]
            }
            let waiter = state.withLock { state in
                state.contenders[node] = nil
                return state.leaving.removeValue(forKey: node)
            }
            if let waiter, let contender { waiter.settle(.departed(waiter.departure ?? .cancelled, contender)) }
        }
    }

    private func lost(_ node: Int, _ reason: LossReason) {
        step { $0.machine.lost(node, reason) }
    }

    private func positionTold(_ node: Int, _ position: QueuePosition) {
        let waiters = state.withLock { state in
            let others = position.predecessor == state.previous ? position.ahead - 1 : position.ahead
            if others > 0 { state.hasWaited = node }
            return state.machine.line.waiting
        }
        for (index, waiter) in waiters.enumerated() {
            guard let tell = waiter.onPosition else { continue }
            var position = position
            position.ahead += index
            tell(position)
        }
    }

    // MARK: Who else is in the queue

    private func look(_ contender: Contender, _ node: Int) {
        guard let session = contender.session else { return step { $0.machine.sawOthers(node) } }
        let path = entrance.path
        do {
            let id = try session.reserveWatch(on: path, by: .children) { [self] result in
                // The own znode is there: so it is somebody else who came. A session that ends is told of by itself.
                if case .success = result { step { $0.machine.sawOthers(node) } }
            }
            let isOver = state.withLock { state in
                guard case .held(node, _) = state.machine.node else { return true }
                state.watch = (node, session, id)
                return false
            }
            if isOver { return session.forgetWatch(id) }
            let deadline = ContinuousClock.now + entrance.client.configuration.requestTimeout
            session.submit(.children(path, watch: id), deadline: deadline) { [self] result in
                let isAlone: Bool
                if case .success(.children(let names, _)) = result {
                    isAlone = names.count { ContenderName($0) != nil } <= 1
                } else {
                    // Who cannot know must not go on as if there were nobody.
                    isAlone = false
                }
                step { isAlone ? $0.machine.sawNobody(node) : $0.machine.sawOthers(node) }
            }
        } catch {
            step { $0.machine.sawOthers(node) }
        }
    }

    // MARK: Steps of the machine

    private func step<R: Sendable>(_ body: (inout State) -> R) -> R {
        let (result, work) = state.withLock { state in
            let result = body(&state)
            return (result, prepare(&state))
        }
        perform(work)
        return result
    }

    /// Names whom the actions concern, as long as nobody else changes that.
    private func prepare(_ state: inout State) -> [Work] {
        state.machine.takeActions().compactMap { action in
            switch action {
            case .grant(let waiter, let turn):
                guard let contender = state.contenders[turn.node] else { return nil }
                let local = LocalTurn(turn, of: contender, self)
                state.holder = local
                return .grant(waiter, local)
            case .lose(_, let reason):
                defer { state.holder = nil }
                return state.holder.map { .lose($0, reason) }
            case .enter(let node, let onlyIfAvailable):
                let contender = contender(node, onlyIfAvailable: onlyIfAvailable)
                state.contenders[node] = contender
                return .enter(contender)
            case .withdraw(let node, let waiter):
                state.leaving[node] = waiter
                return state.contenders[node].map { .withdraw($0, waiter.departure ?? .cancelled) }
            case .giveBack(let node):
                let watch = state.watch?.node == node ? state.watch : nil
                if watch != nil { state.watch = nil }
                // Who left as the last is told by it.
                let contender =
                    state.leaving[node] == nil
                    ? state.contenders.removeValue(forKey: node) : state.contenders[node]
                if let contender { state.previous = contender.node }
                // Nobody is kept for the sake of a timer.
                let timer = state.machine.wakesAt == nil ? state.timer : nil
                if timer != nil { state.timer = nil }
                return contender.map { .giveBack($0, watch.map { ($0.session, $0.id) }, timer) }
            case .fail(let waiters, let node):
                return state.contenders[node].map { .fail(waiters, $0) }
            case .look(let node): return state.contenders[node].map { .look($0, node: node) }
            case .wake(let due): return .wake(at: due)
            }
        }
    }

    private func contender(_ node: Int, onlyIfAvailable: Bool) -> Contender {
        // Strong: who is in the queue is to come back to somebody.
        Contender(
            entrance, onlyIfAvailable: onlyIfAvailable, onPosition: { [self] in positionTold(node, $0) },
            onReport: { [self] in told(node, $0) })
    }

    private func wake(at due: Duration) {
        let timer = TimerThread.shared.schedule(at: start.instant + due) { [self] in
            let now = now
            step { $0.machine.woken(at: now) }
        }
        let isOver = state.withLock { state in
            guard state.machine.wakesAt == due else { return true }
            state.timer = timer
            return false
        }
        if isOver { TimerThread.shared.cancel(timer) }
    }

    private func perform(_ work: [Work]) {
        for item in work {
            switch item {
            case .grant(let waiter, let turn): waiter.settle(.granted(turn))
            case .lose(let turn, let reason): turn.lose(reason)
            case .enter(let contender): contender.enter()
            case .withdraw(let contender, let departure): contender.giveUp(departure)
            case .giveBack(let contender, let watch, let timer):
                contender.requestRelease()
                if let timer { TimerThread.shared.cancel(timer) }
                if let watch { watch.session.forgetWatch(watch.id) }
            case .fail(let waiters, let contender):
                let departure = contender.departure ?? .cancelled
                for waiter in waiters { waiter.settle(.departed(departure, contender)) }
            case .look(let contender, let node): look(contender, node)
            case .wake(let due):
                wake(at: due)
            }
        }
    }
}
