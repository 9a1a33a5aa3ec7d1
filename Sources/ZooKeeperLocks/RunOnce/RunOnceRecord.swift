import FoundationEssentials
import ZooKeeper

/// What stands in the znode of a result: a line that says what it is, and the result's bytes.
struct RunOnceRecord: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case value([UInt8])
        case failure(String)
        /// What was there does not count any more.
        case invalidated
    }

    var kind: Kind
    /// Unique; by it whoever wrote it knows its own.
    var run: String
    var owner: Owner?

    private struct Head: Codable {
        var kind: String
        var run: String
        var owner: Owner?
        var failure: String?
    }

    init(_ kind: Kind, run: String, owner: Owner?) {
        self.kind = kind
        self.run = run
        self.owner = owner
    }

    /// `nil` when the data is something else.
    init?(_ data: [UInt8]) {
        guard let end = data.firstIndex(of: UInt8(ascii: "\n")),
            let head = try? JSONDecoder().decode(Head.self, from: Data(data[..<end]))
        else { return nil }
        switch head.kind {
        case "value": kind = .value(Array(data[(end + 1)...]))
        case "failure": kind = .failure(head.failure ?? "")
        case "invalidated": kind = .invalidated
        default: return nil
        }
        run = head.run
        owner = head.owner
    }

    var data: [UInt8] {
        var head = Head(kind: "invalidated", run: run, owner: owner)
        var payload: [UInt8] = []
        switch kind {
        case .value(let bytes): (head.kind, payload) = ("value", bytes)
        case .failure(let description): (head.kind, head.failure) = ("failure", description)
        case .invalidated: break
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and numbers: there is nothing that could fail.
        return ((try? encoder.encode(head)).map { [UInt8]($0) } ?? []) + [UInt8(ascii: "\n")] + payload
    }
}
