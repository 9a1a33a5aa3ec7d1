package import ZooKeeper

/// Who a connection has shown itself to be.
package struct Identity: Hashable, Sendable {
    package var scheme: String
    package var id: String

    package init(scheme: String, id: String) {
        self.scheme = scheme
        self.id = id
    }

    /// What every connection is: somebody at an address.
    static let loopback = Identity(scheme: "ip", id: "127.0.0.1")

    /// What a credential proves; `nil` when the servers do not know its scheme.
    package init?(_ credential: Credential, at address: Identity) {
        switch credential.scheme {
        case "digest": self.init(scheme: "digest", id: Digest.id(credential.data))
        case "ip": self = address
        default: return nil
        }
    }
}

/// The rules of the servers for access rights.
enum AccessControl {
    /// The list as it is kept: without repetitions, and with `auth` replaced by who the creator is.
    static func complete(_ acl: [ACL], _ identities: [Identity]) throws(Refusal) -> [ACL] {
        var unique: [ACL] = []
        for entry in acl where !unique.contains(entry) { unique.append(entry) }
        guard !unique.isEmpty else { throw .server(.invalidACL) }
        var complete: [ACL] = []
        for entry in unique {
            switch entry.scheme {
            case "world" where entry.id == "anyone":
                complete.append(entry)
            case "auth":
                // An address is no proof of who somebody is.
                let proven = identities.filter { $0.scheme != "ip" }
                guard !proven.isEmpty else { throw .server(.invalidACL) }
                complete += proven.map { ACL(entry.permissions, scheme: $0.scheme, id: $0.id) }
            case "digest":
                guard isDigest(entry.id) else { throw .server(.invalidACL) }
                complete.append(entry)
            case "ip":
                guard AddressRange(entry.id) != nil else { throw .server(.invalidACL) }
                complete.append(entry)
            default:
                throw .server(.invalidACL)
            }
        }
        return complete
    }

    /// - Throws: `notAuthorized` unless one of the rights is given to one of the identities.
    static func check(_ acl: [ACL], _ permissions: ACL.Permissions, _ identities: [Identity]) throws(Refusal) {
        guard allows(acl, permissions, identities) else { throw .server(.notAuthorized) }
    }

    static func allows(_ acl: [ACL], _ permissions: ACL.Permissions, _ identities: [Identity]) -> Bool {
        acl.contains { entry in
            guard !entry.permissions.isDisjoint(with: permissions) else { return false }
            if entry.scheme == "world", entry.id == "anyone" { return true }
            return identities.contains { identity in
                guard identity.scheme == entry.scheme else { return false }
                if entry.scheme == "ip" { return AddressRange(entry.id)?.contains(identity.id) == true }
                return identity.id == entry.id
            }
        }
    }

    /// The list for one who asks for it: hashes are for those who may change it.
    static func shown(_ acl: [ACL], _ identities: [Identity]) -> [ACL] {
        if allows(acl, .admin, identities) { return acl }
        return acl.map { entry in
            guard entry.scheme == "digest" else { return entry }
            return ACL(entry.permissions, scheme: entry.scheme, id: entry.id.prefix { $0 != ":" } + ":x")
        }
    }

    /// As Java splits: empty parts at the end do not count.
    private static func isDigest(_ id: String) -> Bool {
        var parts = id.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        while parts.last?.isEmpty == true { parts.removeLast() }
        return parts.count == 2
    }
}

/// An IPv4 address, or all that begin with the same bits: `10.0.0.0/8`.
private struct AddressRange {
    var address: UInt32
    var bits: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = Self.address(first) else { return nil }
        self.address = address
        bits = 32
        guard parts.count == 2 else { return }
        guard let bits = Int(parts[1]), (0...32).contains(bits) else { return nil }
        self.bits = bits
    }

    func contains(_ text: String) -> Bool {
        guard let other = Self.address(text[...]) else { return false }
        return bits == 0 || (address ^ other) >> UInt32(32 - bits) == 0
    }

    private static func address(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        return parts.reduce(UInt32?(0)) { sum, part in
            guard let sum, let part else { return nil }
            return sum << 8 | UInt32(part)
        }
    }
}
