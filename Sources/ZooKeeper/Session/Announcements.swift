import Locking

/// What those who share a session tell each other about its znodes, ahead of the servers.
///
/// Nobody else hears of it, and nothing is kept: what is announced before somebody listens is learned from the servers.
package final class Announcements: Sendable {
    package struct ListenerID: Hashable, Sendable {
        package let node: String
        fileprivate let number: UInt64
    }

    private struct Listener {
        var number: UInt64
        var handler: @Sendable (String) -> Void
    }

    private struct State {
        /// The latest for each node. Whoever it took the place of learns from the servers.
        var listeners: [String: Listener] = [:]
        var last: UInt64 = 0
    }

    private let state = Locked(State())

    /// - Parameters:
    ///   - node: the last part of its path, which is unique for a contender.
    ///   - handler: is given that, too.
    package func listen(to node: String, handler: @escaping @Sendable (String) -> Void) -> ListenerID {
        state.withLock { state in
            state.last += 1
            state.listeners[node] = Listener(number: state.last, handler: handler)
            return ListenerID(node: node, number: state.last)
        }
    }

    package func stopListening(_ id: ListenerID) {
        let listener = state.withLock { state -> Listener? in
            guard state.listeners[id.node]?.number == id.number else { return nil }
            return state.listeners.removeValue(forKey: id.node)
        }
        _ = listener
    }

    /// Calls whoever listens, once, on this thread.
    package func announce(_ node: String) {
        let listener = state.withLock { $0.listeners.removeValue(forKey: node) }
        listener?.handler(node)
    }
}
