/// FNV-1a with 64 bits, by Fowler, Noll and Vo (http://www.isthe.com/chongo/tech/comp/fnv/; RFC 9923): the same in every process, on every
/// machine and in every language, which Swift's own `Hasher` is not.
public enum StripeHash {
    /// As it is stored, and compared.
    public static let name = "fnv-1a-64"

    /// Of a key's UTF-8 bytes, for example.
    public static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }
}
