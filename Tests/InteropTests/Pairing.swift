import Testing

/// Programs that use one path at the same time, and what comes of it.
struct Pairing: Sendable, CustomTestStringConvertible {
    enum Expectation: Sendable, Equatable {
        /// They exclude each other, in order.
        case works
        /// The second is granted the lock while the first one holds it.
        case overlaps(because: String)
        /// The second gives up with an error, because of the first one's znode.
        case fails(because: String)
    }

    var workers: [Worker]
    var expectation: Expectation
    /// Its place in the list, and its root on the server.
    var number = 0

    /// As the table names it.
    var title: String { workers.map(\.title).joined(separator: " + ") }
    var testDescription: String { title }
    /// How many of them read at times.
    var readers: Int { workers.count(where: \.isShared) }
}

extension Pairing {
    private static func works(_ workers: Worker...) -> Pairing { Pairing(workers: workers, expectation: .works) }

    private static let unseenByCurator = "Curator waits for the names of its own recipe only"
    private static let unsafeDowngrade =
        "a reader that was a writer gets a new place in Curator 5.4, behind writers that queue already"
    private static let unseenByKazoo = "kazoo waits for its own names only, unless told others"
    private static let unreadableInGo = "go-zookeeper cannot read such a name, and takes no lock beside one"

    /// All that are known to work, and all that are known not to.
    static let all = numbered([
        works(.lock(.curator), .curatorMutex),
        works(.lock(.goZookeeper), .curatorMutex),
        works(.lock(.curator), .goLock),
        works(.lock(.goZookeeper), .goLock),
        works(.lock(.kazoo), .kazooLock),
        works(.lock(.curator), .kazooLockWithPatterns),
        works(.lock(.goZookeeper), .kazooLockWithPatterns),
        works(.lock(.kazoo), .kazooLockWithPatterns),
        works(.lock(.curator), .lock(.goZookeeper), .lock(.kazoo)),
        works(.lock(.curator), .curatorMutex, .goLock),
        works(.lock(.curator), .lock(.kazoo), .kazooLockWithPatterns),
        works(.lock(.curator), .curatorMutex, .goLock, .kazooRenamedLock),
        works(.readWriteLock(.curator), .curatorReadWriteLock),
        works(.readWriteLock(.goZookeeper), .curatorReadWriteLock),
        works(.downgrading, .curatorReadWriteLock),
        works(.readWriteLock(.kazoo), .kazooReadWriteLock),
        works(.readWriteLock(.curator), .kazooReadWriteLockWithPatterns),
        works(.lock(.kazoo), .kazooReadWriteLock),
        works(.readWriteLock(.curator), .readWriteLock(.kazoo), .lock(.curator)),
        works(.election, .curatorSelector),
        works(.election, .lock(.curator)),
        Pairing(workers: [.lock(.kazoo), .curatorMutex], expectation: .overlaps(because: unseenByCurator)),
        Pairing(workers: [.lock(.kazoo), .goLock], expectation: .fails(because: unreadableInGo)),
        Pairing(workers: [.lock(.curator), .kazooLock], expectation: .overlaps(because: unseenByKazoo)),
        Pairing(workers: [.lock(.goZookeeper), .kazooLock], expectation: .overlaps(because: unseenByKazoo)),
        Pairing(workers: [.lock(.curator), .curatorReadWriteLock], expectation: .overlaps(because: unseenByCurator)),
        Pairing(workers: [.readWriteLock(.curator), .curatorMutex], expectation: .overlaps(because: unseenByCurator)),
        Pairing(workers: [.readWriteLock(.curator), .goLock], expectation: .fails(because: unreadableInGo)),
        Pairing(
            workers: [.readWriteLock(.kazoo), .curatorReadWriteLock], expectation: .overlaps(because: unseenByCurator)),
        Pairing(
            workers: [.curatorDowngrading, .readWriteLock(.curator)], expectation: .overlaps(because: unsafeDowngrade)),
        Pairing(
            workers: [.curatorDowngrading, .curatorReadWriteLock], expectation: .overlaps(because: unsafeDowngrade)),
        Pairing(
            workers: [.readWriteLock(.curator), .kazooReadWriteLock], expectation: .overlaps(because: unseenByKazoo)),
        Pairing(
            workers: [.readers(.kazoo), .kazooLock],
            expectation: .overlaps(because: "kazoo's `Lock` does not wait for readers; its `WriteLock` does")),
        Pairing(workers: [.election, .curatorLatch], expectation: .overlaps(because: unseenByCurator)),
        Pairing(workers: [.election, .kazooElection], expectation: .overlaps(because: unseenByKazoo)),
        Pairing(
            workers: [.zookeeperLock, .lock(.curator)],
            expectation: .overlaps(because: "its names say nothing that a lock could be told by, and are passed over")),
        Pairing(
            workers: [.semaphore, .curatorSemaphore],
            expectation: .overlaps(because: "Curator's leases are kept beneath another path, and counted")),
        Pairing(
            workers: [.kazooSemaphore, .semaphore],
            expectation: .fails(
                because: "kazoo's leases have no number, and no place in a queue; ours are refused there")),
    ])

    /// One program by itself, at a place that no other one has.
    static func alone(_ worker: Worker, number: Int) -> Pairing {
        Pairing(workers: [worker], expectation: .works, number: all.count + 1 + number)
    }

    /// Nobody locks anything.
    static let unlocked = Pairing(workers: [.unlocked, .unlocked], expectation: .works, number: all.count)

    private static func numbered(_ pairings: [Pairing]) -> [Pairing] {
        pairings.enumerated().map { number, pairing in
            var pairing = pairing
            pairing.number = number
            return pairing
        }
    }
}
