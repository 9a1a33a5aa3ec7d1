/// Who a client says it is, to servers that check rights.
public struct Credential: Hashable, Sendable {
    /// `digest`, or a scheme that the servers were extended with.
    public var scheme: String
    public var data: [UInt8]

    public init(scheme: String, data: [UInt8]) {
        self.scheme = scheme
        self.data = data
    }

    /// A name and a password. The servers compare a hash of both with the ACL of a znode; a wrong password shows there, as
    /// ``ZooKeeperError/Code/notAuthorized``, not before. They travel in clear text unless the connection is encrypted.
    public static func digest(user: String, password: String) -> Credential {
        Credential(scheme: "digest", data: [UInt8]("\(user):\(password)".utf8))
    }

    var flaw: ZooKeeperError? {
        guard !scheme.isEmpty, !scheme.utf8.contains(0) else {
            return ZooKeeperError(
                .invalidArgument, operation: "authenticate", detail: "the scheme is empty or has a NUL character")
        }
        guard data.count <= 64 * 1024 else {
            return ZooKeeperError(.dataTooLarge, operation: "authenticate", detail: "a credential of over 64 KiB")
        }
        return nil
    }
}

extension Credential: CustomStringConvertible {
    /// Without the secret.
    public var description: String { "credential of scheme \(scheme)" }
}
