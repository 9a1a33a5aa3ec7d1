import FoundationEssentials
import Glibc

/// Who stands in the queue: a record that each contender keeps as the data of its znode, in JSON.
public struct Owner: Hashable, Sendable, Codable {
    public var host: String
    public var pid: Int32
    /// What the program says of itself; see ``DistributedLock/Options/label``.
    public var label: String?
    /// When it entered the queue, by its own clock, in milliseconds since 1970.
    public var entered: Int64
    /// What it hands to those who look for it, in whatever form they agree on; see ``DistributedLock/Options/payload``.
    public var payload: [UInt8]?
    /// Somebody asks it to give up: ``DistributedLock/revoke(token:reason:)``.
    public var revocation: RevocationRequest?
    /// The tasks of its process share this contender and take turns (``DistributedLock/Fairness/perProcess(maxConsecutive:linger:)``); absent where
    /// they do not.
    public var takesTurns: Bool?

    public init(
        host: String, pid: Int32, label: String? = nil, entered: Int64, payload: [UInt8]? = nil,
        revocation: RevocationRequest? = nil, takesTurns: Bool? = nil
    ) {
        self.host = host
        self.pid = pid
        self.label = label
        self.entered = entered
        self.payload = payload
        self.revocation = revocation
        self.takesTurns = takesTurns
    }

    /// The longest label, in UTF-8 bytes.
    public static let maximumLabelLength = 4096
    /// The largest payload, in bytes.
    public static let maximumPayloadLength = 65536

    /// Reads a record; `nil` when the data is something else, as that of contenders that use another library.
    public init?(_ data: [UInt8]) {
        // More than a record can have, if all of it must be escaped: whoever wrote that wrote something else.
        guard data.count <= Self.maximumRecordLength,
            let owner = try? JSONDecoder().decode(Owner.self, from: Data(data))
        else { return nil }
        self = owner
    }

    private static let maximumRecordLength =
        6 * (maximumLabelLength + RevocationRequest.maximumReasonLength) + 2 * maximumPayloadLength + 1024

    /// The record of this process, entering now.
    static func current(label: String?, payload: [UInt8]? = nil, takesTurns: Bool = false) -> Owner {
        Owner(
            host: hostName, pid: getpid(), label: label, entered: milliseconds, payload: payload,
            takesTurns: takesTurns ? true : nil)
    }

    /// Since 1970.
    static var milliseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    private static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    var data: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and numbers: there is nothing that could fail. An empty record would still be a good contender.
        return (try? encoder.encode(self)).map { [UInt8]($0) } ?? []
    }
}

extension Owner {
    private enum CodingKeys: String, CodingKey {
        case host, pid, label, entered, payload, revocation, takesTurns
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        host = try container.decode(String.self, forKey: .host)
        pid = try container.decode(Int32.self, forKey: .pid)
        label = try container.decodeIfPresent(String.self, forKey: .label)
        entered = try container.decode(Int64.self, forKey: .entered)
        // Base64 in JSON.
        payload = try container.decodeIfPresent(Data.self, forKey: .payload).map { [UInt8]($0) }
        revocation = try container.decodeIfPresent(RevocationRequest.self, forKey: .revocation)
        takesTurns = try container.decodeIfPresent(Bool.self, forKey: .takesTurns)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(host, forKey: .host)
        try container.encode(pid, forKey: .pid)
        try container.encodeIfPresent(label, forKey: .label)
        try container.encode(entered, forKey: .entered)
        try container.encodeIfPresent(payload.map { Data($0) }, forKey: .payload)
        try container.encodeIfPresent(revocation, forKey: .revocation)
        try container.encodeIfPresent(takesTurns, forKey: .takesTurns)
    }
}

extension Owner: CustomStringConvertible {
    public var description: String {
        "\(host):\(pid)" + (label.map { " (\($0))" } ?? "")
    }
}
