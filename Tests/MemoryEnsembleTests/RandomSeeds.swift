import Glibc

/// Which seeds a random test runs: some that are always the same, as many as `NAME_SEEDS` says from there on, or the one that is
/// `NAME_SEED`.
enum RandomSeeds {
    static func of(_ name: String, count: Int) -> [UInt64] {
        if let seed = number("\(name)_SEED") { return [UInt64(seed)] }
        return (1...UInt64(number("\(name)_SEEDS") ?? count)).map { $0 }
    }

    private static func number(_ name: String) -> Int? {
        getenv(name).flatMap { Int(String(cString: $0)) }.flatMap { $0 > 0 ? $0 : nil }
    }
}
