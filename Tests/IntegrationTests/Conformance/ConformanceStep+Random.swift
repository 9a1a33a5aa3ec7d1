import ZooKeeper

/// The same numbers for the same seed, on every machine: SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Few names, so that the steps of a run meet each other.
enum ConformanceNames {
    static let paths = [
        "/", "/a", "/b", "/c", "/a/a", "/a/b", "/b/a", "/c/c", "/a/a/a", "/a/b/c", "/b/a/b", "/c/c/c/c",
        "/a0000000000", "/a0000000001", "/a/n0000000000", "/a/n0000000002", "/b/n0000000001",
    ].map { NodePath(unchecked: $0) }

    static let modes: [CreateMode] = [
        .persistent, .persistent, .persistent, .persistentSequential, .ephemeral, .ephemeral, .ephemeralSequential,
        .container, .persistentWithTTL(.seconds(3600)), .persistentSequentialWithTTL(.seconds(3600)),
    ]

    static let credentials = ["u:1", "v:2"].map { Credential(scheme: "digest", data: Array($0.utf8)) }

    static let lists: [[ACL]] = [
        [.creator], [.readable], [.open, .open], [ACL(.read, scheme: "world", id: "anyone"), .creator],
        [ACL([.create, .delete], scheme: "world", id: "anyone")], [ACL(.all, scheme: "ip", id: "127.0.0.1")],
        [ACL([.read, .write, .create, .delete], scheme: "world", id: "anyone")],
        [ACL(.all, scheme: "ip", id: "10.0.0.0/8"), .readable], [ACL(.all, scheme: "ip", id: "127.0.0.0/8")],
        [ACL(.all, scheme: "digest", id: "u:whatever"), .readable], [ACL(.all, scheme: "digest", id: "nocolon")],
        [ACL(.all, scheme: "nonsense", id: "x")], [ACL(.all, scheme: "world", id: "somebody")],
        [ACL(.all, scheme: "ip", id: "300.1.1.1")], [ACL(.all, scheme: "ip", id: "1.2.3.4/33")],
    ]
}

extension ConformanceStep {
    static func random(clients: Int, using generator: inout SeededGenerator) -> ConformanceStep {
        let client = Int.random(in: 0..<clients, using: &generator)
        switch Int.random(in: 0..<400, using: &generator) {
        case 0: return .expireSession(client: client)
        case 1...3: return .closeSession(client: client)
        case 4..<100:
            let count = Int.random(in: 2...5, using: &generator)
            let requests = (0..<count).map { _ in ConformanceRequest.random(using: &generator) }
            return .requests(client: client, requests.filter(\.isAnsweredInOrder))
        default: return .requests(client: client, [.random(using: &generator)])
        }
    }
}

extension ConformanceRequest {
    /// The C client tells the answer to a credential on another thread than all others.
    var isAnsweredInOrder: Bool {
        if case .authenticate = self { false } else { true }
    }

    static func random(using generator: inout SeededGenerator) -> ConformanceRequest {
        let path = path(&generator)
        switch Int.random(in: 0..<100, using: &generator) {
        case ..<30:
            let acl = acl(&generator)
            return .create(withoutRoot(path), data(&generator), mode(&generator), acl)
        case ..<45: return .delete(withoutRoot(path), version(&generator))
        case ..<55: return .set(path, data(&generator), version(&generator))
        case ..<63: return .get(path, watch: Bool.random(using: &generator))
        case ..<72: return .exists(path, watch: Int.random(in: 0..<3, using: &generator) > 0)
        case ..<80: return .children(path, watch: Bool.random(using: &generator))
        case ..<83: return .getACL(path)
        case ..<85:
            let list = ConformanceNames.lists.randomElement(using: &generator) ?? [.open]
            return .setACL(withoutRoot(path), list, version(&generator))
        case ..<86: return .sync(path)
        case ..<87: return .authenticate(credential(&generator))
        default:
            let count = Int.random(in: 1...5, using: &generator)
            let operations = (0..<count).map { _ in operation(&generator) }
            return .commit(operations.filter(\.isSafe))
        }
    }

    private static func operation(_ generator: inout SeededGenerator) -> Transaction.Operation {
        let path = withoutRoot(path(&generator))
        return switch Int.random(in: 0..<10, using: &generator) {
        case ..<4: .create(path, data: data(&generator), mode: mode(&generator), acl: acl(&generator))
        case ..<6: .delete(path, version: version(&generator))
        case ..<8: .set(path, data: data(&generator), version: version(&generator))
        default: .check(path, version: version(&generator))
        }
    }

    private static func path(_ generator: inout SeededGenerator) -> NodePath {
        ConformanceNames.paths.randomElement(using: &generator) ?? .root
    }

    /// Below a chroot the C client makes the root's own name of it, which is another znode for each test.
    private static func withoutRoot(_ path: NodePath) -> NodePath {
        path == .root ? NodePath(unchecked: "/a") : path
    }

    private static func mode(_ generator: inout SeededGenerator) -> CreateMode {
        ConformanceNames.modes.randomElement(using: &generator) ?? .persistent
    }

    private static func acl(_ generator: inout SeededGenerator) -> [ACL] {
        guard Int.random(in: 0..<8, using: &generator) == 0 else { return [.open] }
        return ConformanceNames.lists.randomElement(using: &generator) ?? [.open]
    }

    private static func credential(_ generator: inout SeededGenerator) -> Credential {
        ConformanceNames.credentials[Int.random(in: 0..<ConformanceNames.credentials.count, using: &generator)]
    }

    private static func data(_ generator: inout SeededGenerator) -> [UInt8] {
        [UInt8](repeating: 7, count: Int.random(in: 0..<4, using: &generator))
    }

    private static func version(_ generator: inout SeededGenerator) -> Int32? {
        switch Int.random(in: 0..<10, using: &generator) {
        case ..<6: nil
        case 6: 0
        case 7: 1
        case 8: 2
        default: -1
        }
    }
}

extension Transaction.Operation {
    /// In a transaction, the C client refuses a time to live by itself, and aborts the process on the answer to a container: it reads
    /// the `Stat` in it as the next result.
    fileprivate var isSafe: Bool {
        guard case .create(_, _, let mode, _) = self else { return true }
        switch mode {
        case .container, .persistentWithTTL, .persistentSequentialWithTTL: return false
        default: return true
        }
    }
}
