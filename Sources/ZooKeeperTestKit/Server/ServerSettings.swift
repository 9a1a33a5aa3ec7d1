import ZooKeeper

/// The text of a server's `zoo.cfg`, a Java properties file.
struct ServerSettings: Sendable, Equatable {
    private var values: [String: String]

    /// - Parameters:
    ///   - configuration: What the test asked for; its `additionalSettings` win over everything else.
    ///   - membership: Its part in an ensemble.
    ///   - port: The client port, on 127.0.0.1.
    ///   - dataDirectory: Where the server keeps its snapshots and transaction logs.
    init(
        _ configuration: TestServer.Configuration,
        _ membership: QuorumMembership? = nil,
        port: Int,
        dataDirectory: String
    ) {
        values = [
            "tickTime": String(configuration.tickTime.milliseconds),
            "dataDir": dataDirectory,
            "clientPort": String(port),
            // Never reachable from another machine.
            "clientPortAddress": "127.0.0.1",
            "maxClientCnxns": String(configuration.maxClientConnections),
            // Its HTTP server takes a port of its own and makes the start slower.
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "*",
            // Test data need not survive a loss of power, so no write waits for the disk.
            "forceSync": "no",
            "extendedTypesEnabled": String(configuration.extendedTypes),
        ]
        values.merge(membership?.settings ?? [:]) { _, quorum in quorum }
        values.merge(configuration.additionalSettings) { _, wish in wish }
    }

    /// The file's content: one line for each setting, sorted by name.
    var text: String {
        values.sorted { $0.key < $1.key }
            .map { "\(Self.escaped($0.key))=\(Self.escaped($0.value))\n" }
            .joined()
    }

    /// Java reads properties as Latin-1, with a backslash as the escape character.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for unit in text.utf16 {
            switch unit {
            case UInt16(UInt8(ascii: "\\")): result += "\\\\"
            case UInt16(UInt8(ascii: "=")): result += "\\="
            case 0x20...0x7e: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }
}
