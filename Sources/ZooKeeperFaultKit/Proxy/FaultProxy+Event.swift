import Locking
import ZooKeeper

extension FaultProxy {
    /// Something that happened at a proxy. Connections are numbered from 1, in the order in which they came.
    public enum Event: Hashable, Sendable {
        case opened(connection: Int)
        /// Both its ends are closed.
        case closed(connection: Int)
        /// A connection was made and closed at once, by ``FaultProxy/Refusal/afterAccept``.
        case refused
        /// The event of a watch arrived from the server for this client.
        case watchEvent(connection: Int)
        case replyDropped(DroppedReply)
    }

    /// A reply that did not reach its client.
    public struct DroppedReply: Hashable, Sendable {
        public let connection: Int
        /// How many matching replies there had been since it was asked for, this one included.
        public let number: Int
        /// What it answered: the server has executed this.
        public let opcode: Opcode

        public init(connection: Int, number: Int, opcode: Opcode) {
            self.connection = connection
            self.number = number
            self.opcode = opcode
        }
    }

    /// What a proxy has seen since it started.
    public struct Counters: Hashable, Sendable {
        /// Connections that were taken, the refused ones not included.
        public internal(set) var connections = 0
        /// Those that are open now.
        public internal(set) var openConnections = 0
        /// Connections closed by ``FaultProxy/Refusal/afterAccept``. One that nobody listened for is not seen, so not counted.
        public internal(set) var refused = 0
        /// Bytes handed on to the target.
        public internal(set) var bytesToServer = 0
        /// Bytes handed on to clients.
        public internal(set) var bytesToClient = 0
        /// Replies to clients' requests that arrived from the server, the dropped ones included; handshakes, pings, watch events and
        /// the like do not count.
        public internal(set) var replies = 0
        public internal(set) var repliesDropped = 0
    }
}

/// What a proxy tells of itself, to any task.
final class Report: Sendable {
    typealias Event = FaultProxy.Event

    private struct State {
        var counters = FaultProxy.Counters()
        var subscribers: [Int: AsyncStream<Event>.Continuation] = [:]
        var nextSubscriber = 0
        var isOver = false
    }

    private let state = Locked(State())

    var counters: FaultProxy.Counters { state.withLock { $0.counters } }

    func count(_ change: @Sendable (inout FaultProxy.Counters) -> Void) {
        state.withLock { change(&$0.counters) }
    }

    func tell(_ event: Event) {
        let subscribers = state.withLock { Array($0.subscribers.values) }
        for subscriber in subscribers { subscriber.yield(event) }
    }

    /// What happens from now on, until the end.
    func events() -> AsyncStream<Event> {
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
        let key = state.withLock { state -> Int? in
            guard !state.isOver else { return nil }
            state.nextSubscriber += 1
            state.subscribers[state.nextSubscriber] = continuation
            return state.nextSubscriber
        }
        guard let key else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.subscribers[key] = nil }
        }
        return stream
    }

    func finish() {
        let subscribers = state.withLock { state in
            state.isOver = true
            defer { state.subscribers = [:] }
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.finish() }
    }
}
