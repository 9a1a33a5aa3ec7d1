import Logging
import Testing

@testable import ZooKeeper

@Suite struct RequestCheckTests {
    private static let path = NodePath(unchecked: "/a")
    private static let megabyte = [UInt8](repeating: 0, count: Request.maximumDataLength)
    private static let longList = [ACL](
        repeating: ACL(.all, scheme: "digest", id: String(repeating: "x", count: 988)), count: 1000)

    static let good: [Request] = [
        .create(path, data: megabyte, mode: .persistent, acl: [.open]),
        .create(path, data: [], mode: .persistentWithTTL(.milliseconds(1)), acl: [.open]),
        .create(path, data: [], mode: .persistentSequentialWithTTL(.milliseconds((1 << 40) - 1)), acl: [.open]),
        .create(.root, data: [], mode: .container, acl: [.open]),
        .set(path, data: megabyte, version: .max),
        .setACL(path, acl: Array(longList.dropLast(10)), version: .min),
        .delete(path, version: .min),
        .commit([]),
        .commit([.check(.root, version: nil), .delete(path, version: nil)]),
        .authenticate(Credential(scheme: "digest", data: [0])),
    ]

    // By index: a test's arguments are written out, and these have millions of bytes.
    @Test(arguments: good.indices) func accepted(index: Int) {
        let flaw = Self.good[index].flaw
        #expect(flaw == nil)
    }

    static let bad: [(Request, ZooKeeperError.Code, String)] = [
        (.create(path, data: megabyte + [0], mode: .persistent, acl: [.open]), .dataTooLarge, "1000001 bytes of data"),
        (.create(path, data: [], mode: .persistent, acl: longList), .dataTooLarge, "access rights"),
        (.create(path, data: [], mode: .persistent, acl: []), .invalidACL, "empty"),
        (.create(path, data: [], mode: .persistentWithTTL(.zero), acl: [.open]), .invalidArgument, "from 1 ms"),
        (
            .create(path, data: [], mode: .persistentWithTTL(.seconds(-1)), acl: [.open]), .invalidArgument,
            "-1.0 seconds"
        ),
        (
            .create(path, data: [], mode: .persistentWithTTL(.seconds(Int64.max) * 2), acl: [.open]), .invalidArgument,
            "time to live"
        ),
        (.set(path, data: megabyte + [0], version: nil), .dataTooLarge, "at most 1000000"),
        (.setACL(path, acl: longList, version: nil), .dataTooLarge, "access rights"),
        (.setACL(path, acl: [ACL(.all, scheme: "a\u{0}", id: "")], version: nil), .invalidACL, "NUL"),
        (.setACL(path, acl: [ACL(.all, scheme: "a", id: "\u{0}")], version: nil), .invalidACL, "NUL"),
        (.delete(.root, version: nil), .invalidArgument, "root"),
        (.commit([.delete(.root, version: nil)]), .invalidArgument, "root"),
        (.commit([.set(path, data: megabyte, version: nil)]), .dataTooLarge, "the transaction has"),
        (.commit([.create(path, data: [], mode: .persistent, acl: longList)]), .dataTooLarge, "access rights"),
        (
            .commit(
                [ACL](repeating: .open, count: 16_000).map { .create(path, data: [], mode: .persistent, acl: [$0]) }),
            .dataTooLarge, "the transaction has"
        ),
        (.authenticate(Credential(scheme: "", data: [])), .invalidArgument, "scheme"),
        (.authenticate(Credential(scheme: "a\u{0}", data: [])), .invalidArgument, "NUL"),
        (
            .authenticate(Credential(scheme: "a", data: [UInt8](repeating: 0, count: 65_537))), .dataTooLarge, "64 KiB"
        ),
    ]

    @Test(arguments: bad.indices) func refused(index: Int) throws {
        let (request, code, reason) = Self.bad[index]
        let flaw = try #require(request.flaw)
        #expect(flaw.code == code)
        #expect(flaw.detail.contains(reason), "\(flaw.detail)")
        #expect(!flaw.isRetriable)
        #expect(!flaw.outcomeIsUnknown)
    }

    @Test func theOperationOfATransactionIsNamed() {
        let request = Request.commit([.check(Self.path, version: nil), .delete(.root, version: nil)])
        #expect(request.flaw?.failedOperation == 1)
    }
}
