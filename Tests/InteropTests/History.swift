/// What the workers of a pairing did, by the file that all of them appended to.
struct History {
    struct Grant {
        var isAlone: Bool
        var worker: Int
        var node: String
        /// The number that the server gave the znode; `nil` without a znode of its own.
        var sequence: Int32?
        /// Lines of the file.
        var begin: Int
        var end = Int.max
        /// What was read from the counter, and what was written to it or read from it at the end.
        var from: Int?
        var to: Int?
    }

    struct Malformed: Error {
        var line: String
    }

    private(set) var grants: [Grant] = []

    init(_ text: String) throws {
        var open: [String: Int] = [:]
        for (number, line) in text.split(separator: "\n").enumerated() {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count >= 4, ["alone", "shared"].contains(fields[1]), let worker = Int(fields[2]) else {
                throw Malformed(line: String(line))
            }
            let key = fields[1...3].joined(separator: " ")
            switch (fields[0], fields.count) {
            case ("begin", 4):
                open[key] = grants.count
                grants.append(
                    Grant(
                        isAlone: fields[1] == "alone", worker: worker, node: fields[3],
                        sequence: Int32(fields[3].suffix(10)), begin: number))
            case ("end", 6):
                guard let index = open.removeValue(forKey: key), let from = Int(fields[4]), let to = Int(fields[5])
                else { throw Malformed(line: String(line)) }
                grants[index].end = number
                grants[index].from = from
                grants[index].to = to
            default: throw Malformed(line: String(line))
            }
        }
    }

    /// How many grants a worker had.
    func count(of worker: Int) -> Int { grants.count { $0.worker == worker } }

    /// So many updates the counter should have.
    var updates: Int { grants.count { $0.isAlone } }

    /// Pairs that may not hold together, and did.
    var overlaps: Int { count { $0.isAlone || $1.isAlone } }

    /// Pairs of readers of different programs that read at the same time.
    var meetings: Int { count { !$0.isAlone && !$1.isAlone && $0.worker != $1.worker } }

    /// Pairs that held at the same time.
    private func count(where isCounted: (Grant, Grant) -> Bool) -> Int {
        var holding: [Grant] = []
        var count = 0
        for grant in grants {
            holding.removeAll { $0.end < grant.begin }
            count += holding.count { isCounted($0, grant) }
            holding.append(grant)
        }
        return count
    }

    /// Grants that came later than one with a larger number that they may not hold together with.
    var outOfOrder: Int {
        var largest = Int32.min
        var largestAlone = Int32.min
        return grants.count { grant in
            guard let sequence = grant.sequence else { return true }
            defer {
                largest = max(largest, sequence)
                if grant.isAlone { largestAlone = max(largestAlone, sequence) }
            }
            return sequence < (grant.isAlone ? largest : largestAlone)
        }
    }

    /// Readers that saw the counter change.
    var disturbedReaders: Int { grants.count { !$0.isAlone && $0.from != $0.to } }

    /// How often a grant came after one of another program.
    var changes: Int { zip(grants, grants.dropFirst()).count { $0.worker != $1.worker } }
}
