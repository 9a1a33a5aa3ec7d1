/// One entry of a znode's access control list: who may do what.
public struct ACL: Hashable, Sendable {
    public struct Permissions: OptionSet, Hashable, Sendable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// Read the data and list the children.
        public static let read = Permissions(rawValue: 1 << 0)
        /// Set the data.
        public static let write = Permissions(rawValue: 1 << 1)
        /// Create children.
        public static let create = Permissions(rawValue: 1 << 2)
        /// Delete children.
        public static let delete = Permissions(rawValue: 1 << 3)
        /// Set the ACL.
        public static let admin = Permissions(rawValue: 1 << 4)
        public static let all: Permissions = [.read, .write, .create, .delete, .admin]
    }

    public var permissions: Permissions
    /// `world`, `auth`, `digest`, `ip`, `x509` or a scheme that the server was extended with.
    public var scheme: String
    /// Whom the scheme means: `anyone` for `world`, empty for `auth`, `user:hash` for `digest`.
    public var id: String

    public init(_ permissions: Permissions, scheme: String, id: String) {
        self.permissions = permissions
        self.scheme = scheme
        self.id = id
    }

    /// Everybody may do everything.
    public static let open = ACL(.all, scheme: "world", id: "anyone")
    /// Everybody may read.
    public static let readable = ACL(.read, scheme: "world", id: "anyone")
    /// Whoever creates the znode, as authenticated, may do everything.
    public static let creator = ACL(.all, scheme: "auth", id: "")
}
