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
    /// Somebody asks it to give up: ``DistributedLock/revoke(token:reason:)``.
    public var revocation: RevocationRequest?

    public init(
        host: String, pid: Int32, label: String? = nil, entered: Int64, revocation: RevocationRequest? = nil
    ) {
        self.host = host
        self.pid = pid
        self.label = label
        self.entered = entered
        self.revocation = revocation
    }

    /// The longest label, in UTF-8 bytes.
    public static let maximumLabelLength = 4096

    /// Reads a record; `nil` when the data is something else, as that of contenders that use another library.
    public init?(_ data: [UInt8]) {
        // More than a record can have, if all of it must be escaped: whoever wrote that wrote something else.
        guard data.count <= 6 * (Self.maximumLabelLength + RevocationRequest.maximumReasonLength) + 1024,
            let owner = try? JSONDecoder().decode(Owner.self, from: Data(data))
        else { return nil }
        self = owner
    }

    /// The record of this process, entering now.
    static func current(label: String?) -> Owner {
        Owner(host: hostName, pid: getpid(), label: label, entered: milliseconds)
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

extension Owner: CustomStringConvertible {
    public var description: String {
        "\(host):\(pid)" + (label.map { " (\($0))" } ?? "")
    }
}
