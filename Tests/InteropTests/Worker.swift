import ZooKeeperLocks

/// A program, the recipe that it uses, and how its znodes are named.
struct Worker: Sendable, Equatable {
    enum Program: Sendable {
        case ours, curator, goZookeeper, kazoo
    }

    /// The word by which a program knows it.
    enum Recipe: String, Sendable {
        case lock
        case readWrite = "read-write"
        case read, downgrade, semaphore, election
        /// Curator's.
        case selector, latch, revocable, revoke
        /// ZooKeeper's own.
        case zookeeper
        /// Nothing is locked.
        case none
    }

    var program: Program
    var recipe: Recipe
    var naming: String?
    var title: String

    /// Whether it reads at times.
    var isShared: Bool { recipe == .readWrite || recipe == .downgrade }

    /// How often it has the lock in so many cycles. Of a lock that is shared every third cycle writes.
    func grants(contenders: Int, cycles: Int) -> Int {
        let writes = (0..<contenders).map { number in (0..<cycles).count { (number + $0) % 3 == 0 } }.reduce(0, +)
        return contenders * cycles + (recipe == .downgrade ? writes : 0)
    }

    private static func ours(_ recipe: Recipe, _ type: String, _ naming: ContenderNaming, _ note: String = "") -> Worker
    {
        Worker(program: .ours, recipe: recipe, naming: "\(naming)", title: "`\(type)` `.\(naming)`\(note)")
    }

    static func lock(_ naming: ContenderNaming) -> Worker { ours(.lock, "DistributedLock", naming) }
    static func readWriteLock(_ naming: ContenderNaming) -> Worker {
        ours(.readWrite, "DistributedReadWriteLock", naming)
    }
    /// That never write.
    static func readers(_ naming: ContenderNaming) -> Worker {
        ours(.read, "DistributedReadWriteLock", naming, ", reading")
    }
    static let downgrading = ours(.downgrade, "DistributedReadWriteLock", .curator, " with `downgrade()`")
    static let semaphore = ours(.semaphore, "DistributedSemaphore", .curator)
    static let election = Worker(
        program: .ours, recipe: .election, naming: "\(ContenderNaming.curator)", title: "`LeaderElection`")
    static let unlocked = ours(.none, "no lock", .curator)

    static let curatorMutex = Worker(program: .curator, recipe: .lock, title: "Curator `InterProcessMutex`")
    static let curatorReadWriteLock = Worker(
        program: .curator, recipe: .readWrite, title: "Curator `InterProcessReadWriteLock`")
    static let curatorDowngrading = Worker(
        program: .curator, recipe: .downgrade, title: "Curator `InterProcessReadWriteLock`, write to read")
    static let curatorSemaphore = Worker(
        program: .curator, recipe: .semaphore, title: "Curator `InterProcessSemaphoreV2`")

    static let curatorRevocable = Worker(program: .curator, recipe: .revocable, title: "Curator's revocable mutex")
    static let curatorRevoker = Worker(program: .curator, recipe: .revoke, title: "Curator's `Revoker`")

    static let curatorSelector = Worker(program: .curator, recipe: .selector, title: "Curator `LeaderSelector`")
    static let curatorLatch = Worker(program: .curator, recipe: .latch, title: "Curator `LeaderLatch`")
    static let zookeeperLock = Worker(
        program: .curator, recipe: .zookeeper, title: "`WriteLock` of ZooKeeper's own recipes")

    static let goLock = Worker(program: .goZookeeper, recipe: .lock, title: "go-zookeeper `Lock`")

    private static func kazoo(_ recipe: Recipe, _ type: String, _ naming: String, _ note: String) -> Worker {
        Worker(program: .kazoo, recipe: recipe, naming: naming, title: "kazoo `\(type)`\(note)")
    }

    static let kazooLock = kazoo(.lock, "Lock", "default", "")
    static let kazooLockWithPatterns = kazoo(.lock, "Lock", "patterns", " with `extra_lock_patterns`")
    static let kazooRenamedLock = kazoo(.lock, "Lock", "renamed", " that is renamed")
    static let kazooReadWriteLock = kazoo(.readWrite, "ReadLock`, `WriteLock", "default", "")
    static let kazooReadWriteLockWithPatterns = kazoo(
        .readWrite, "ReadLock`, `WriteLock", "patterns", " with `extra_lock_patterns`")
    static let kazooElection = kazoo(.election, "Election", "default", "")
    static let kazooSemaphore = kazoo(.semaphore, "Semaphore", "default", "")
}
