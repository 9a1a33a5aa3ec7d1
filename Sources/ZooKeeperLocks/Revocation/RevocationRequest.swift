import FoundationEssentials
import Glibc

/// A request to give up a lock, written into the znode of the contender that is asked, beside its ``Owner`` record.
///
/// It is a request: the holder is told (``LeaseEvent/revocationRequested(_:)``, ``Lease/revocation``) and ends its work in its own time, or not
/// at all. ``DistributedLock/break(token:after:)`` does not ask.
///
/// Apache Curator's `Revoker` writes `__REVOKE__` instead, over whatever was there; that is understood, and has no details.
public struct RevocationRequest: Hashable, Sendable, Codable {
    /// Who asks.
    public var host: String?
    public var pid: Int32?
    /// Why, in words for people; at most ``maximumReasonLength`` bytes.
    public var reason: String?
    /// When it was asked, by the clock of whoever asked, in milliseconds since 1970.
    public var requested: Int64?

    /// The longest reason, in UTF-8 bytes.
    public static let maximumReasonLength = 1024

    public init(host: String? = nil, pid: Int32? = nil, reason: String? = nil, requested: Int64? = nil) {
        self.host = host
        self.pid = pid
        self.reason = reason
        self.requested = requested
    }

    /// What Curator writes.
    static let curatorsMark = [UInt8]("__REVOKE__".utf8)

    /// Reads the request in a contender's data; `nil` where there is none.
    init?(contendersData data: [UInt8]) {
        if data == Self.curatorsMark {
            self.init()
        } else if let request = Owner(data)?.revocation {
            self = request
        } else {
            return nil
        }
    }

    /// One of this process, asking now.
    static func current(reason: String?) -> RevocationRequest {
        let here = Owner.current(label: nil)
        return RevocationRequest(host: here.host, pid: here.pid, reason: reason, requested: here.entered)
    }

    /// A contender's data with this request in it. All that was in its record stays, also what this version does not know; where there was
    /// an older request, this one takes its place.
    ///
    /// - Returns: `nil` for a contender that would not notice: its library knows no such requests, or it has not asked to be told.
    func added(to data: [UInt8], of naming: QueueEntry.Naming) -> [UInt8]? {
        // Curator's contenders have empty data if, and only if, they were made revocable. Those of kazoo and go-zookeeper have none either, and
        // never look at it.
        if data == Self.curatorsMark || data.isEmpty && naming == .curator { return Self.curatorsMark }
        guard Owner(data) != nil, var record = try? JSONDecoder().decode([String: JSONValue].self, from: Data(data))
        else { return nil }
        record["revocation"] = .object(
            [
                "host": host.map { .string($0) }, "pid": pid.map { .integer(Int64($0)) },
                "reason": reason.map { .string($0) }, "requested": requested.map { .integer($0) },
            ].compactMapValues { $0 })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(record)).map { [UInt8]($0) }
    }
}

extension RevocationRequest: CustomStringConvertible {
    public var description: String {
        let asker = host.map { "by \($0)" + (pid.map { ":\($0)" } ?? "") } ?? "by somebody"
        return asker + (reason.map { ": \($0)" } ?? "")
    }
}
