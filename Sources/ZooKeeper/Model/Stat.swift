/// What the server keeps about a znode beside its data.
public struct Stat: Hashable, Sendable {
    /// The transaction that created the znode. Rises over the life of the whole ensemble.
    public var czxid: Int64
    /// The transaction that last changed its data.
    public var mzxid: Int64
    /// The transaction that last changed the list of its children.
    public var pzxid: Int64
    /// When it was created, by the server's clock, in milliseconds since 1970.
    public var ctime: Int64
    /// When its data was last changed, by the server's clock, in milliseconds since 1970.
    public var mtime: Int64
    /// The number of changes of its data.
    public var version: Int32
    /// The number of changes of its children.
    public var cversion: Int32
    /// The number of changes of its ACL.
    public var aversion: Int32
    /// The session that owns an ephemeral znode; 0 for all others.
    public var ephemeralOwner: Int64
    public var dataLength: Int32
    public var numChildren: Int32

    public init(
        czxid: Int64 = 0,
        mzxid: Int64 = 0,
        pzxid: Int64 = 0,
        ctime: Int64 = 0,
        mtime: Int64 = 0,
        version: Int32 = 0,
        cversion: Int32 = 0,
        aversion: Int32 = 0,
        ephemeralOwner: Int64 = 0,
        dataLength: Int32 = 0,
        numChildren: Int32 = 0
    ) {
        self.czxid = czxid
        self.mzxid = mzxid
        self.pzxid = pzxid
        self.ctime = ctime
        self.mtime = mtime
        self.version = version
        self.cversion = cversion
        self.aversion = aversion
        self.ephemeralOwner = ephemeralOwner
        self.dataLength = dataLength
        self.numChildren = numChildren
    }
}
