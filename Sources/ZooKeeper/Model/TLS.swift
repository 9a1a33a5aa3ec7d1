/// How a client encrypts its connections and shows who it is.
///
/// The C client's own TLS, by OpenSSL. It is there only in builds of the C library that were made with it, and Debian's are not:
/// ``ZooKeeperClient/connect(_:)`` says so then, with ``ZooKeeperError/Code/unimplemented``. A proxy on this machine, such as stunnel, does
/// as well.
public struct TLS: Hashable, Sendable {
    /// The file of the certificates that the servers' are checked against, in PEM.
    public var authorityFile: String
    /// The files of this client's certificate and key, in PEM. The C client cannot do without (ZOOKEEPER-4929).
    public var certificateFile: String
    public var keyFile: String
    /// The password of the key; empty for none.
    public var keyPassword: String

    public init(authorityFile: String, certificateFile: String, keyFile: String, keyPassword: String = "") {
        self.authorityFile = authorityFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.keyPassword = keyPassword
    }

    private var parts: [String] { [authorityFile, certificateFile, keyFile, keyPassword] }

    /// As the C client takes it.
    var list: String { parts.joined(separator: ",") }

    var flaw: ZooKeeperError? {
        // The C client takes all of it in one string and takes that apart at the commas.
        guard parts.allSatisfy({ !$0.contains(",") && !$0.utf8.contains(0) }), !authorityFile.isEmpty,
            !certificateFile.isEmpty, !keyFile.isEmpty
        else {
            return ZooKeeperError(
                .invalidArgument, operation: "connect",
                detail:
                    "TLS needs the files of the authority, the certificate and the key; no comma or NUL in their names")
        }
        return nil
    }
}
