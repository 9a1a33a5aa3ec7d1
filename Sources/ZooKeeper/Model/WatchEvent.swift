/// What a watch saw. One watch sees one event.
public struct WatchEvent: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case created
        case deleted
        case dataChanged
        case childrenChanged
        /// A type of event that this version of the library has no name for.
        case other(Int32)
    }

    public var kind: Kind
    public var path: NodePath

    public init(_ kind: Kind, path: NodePath) {
        self.kind = kind
        self.path = path
    }
}
