/// What a contender asks for. Its name tells, so that a listing shows who may hold together with whom.
public enum Claim: Hashable, Sendable {
    /// The whole, alone.
    case exclusive
    /// Together with other readers.
    case read
    /// The whole, alone, and with the right to become a reader in the same place.
    case write
    /// So many of a semaphore's permits.
    case permits(Int)
}

/// How a contender's znode is named, so that programs that use another library respect it. Whatever the choice, the names of all of them
/// are recognised, and their contenders waited for.
public enum ContenderNaming: Hashable, Sendable, CaseIterable {
    /// `_c_<uuid>-lock-<number>`, and for a read/write lock `_c_<uuid>-__READ__<number>` and `-__WRIT__`: Apache Curator's. go-zookeeper
    /// respects the first, kazoo with `extra_lock_patterns=["lock-"]`.
    case curator
    /// `<32 digits>__lock__<number>` and `<32 digits>__rlock__<number>`: kazoo's `Lock`, `WriteLock` and `ReadLock`. Curator and
    /// go-zookeeper do not respect these.
    case kazoo
    /// `_c_<32 digits>-lock-<number>`: go-zookeeper's. Curator and kazoo take it as they take Curator's.
    case goZookeeper

    /// The text in a name that stands for one attempt to enter.
    func identifier(_ uuid: String) -> String {
        self == .curator ? uuid : uuid.filter { $0 != "-" }
    }
}
