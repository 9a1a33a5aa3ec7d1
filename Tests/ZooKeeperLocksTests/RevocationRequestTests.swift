import Testing

@testable import ZooKeeperLocks

@Suite struct RevocationRequestTests {
    private let request = RevocationRequest(
        host: "ops-1", pid: 12, reason: "a \"hotfix\"", requested: 1_700_000_000_000)

    @Test func theRecordStaysWhenTheRequestIsAdded() throws {
        let owner = Owner(host: "db-1", pid: 4711, label: "nightly / ü 🎯", entered: 1_700_000_000_123)
        let data = try #require(request.added(to: owner.data, of: .curator))
        var expected = owner
        expected.revocation = request
        #expect(Owner(data) == expected)
        #expect(RevocationRequest(contendersData: data) == request)
        #expect(RevocationRequest(contendersData: owner.data) == nil)
    }

    @Test func whatALaterVersionHasWrittenStays() throws {
        let data = [UInt8](
            #"{"entered":1,"future":{"deep":[1,2.5,null,true,"x"]},"host":"a","pid":9007199254740993,"z":-0.5}"#.utf8)
        // Not a record of ours: the number is no process.
        #expect(request.added(to: data, of: .curator) == nil)
        let record = [UInt8](
            #"{"entered":9007199254740993,"future":{"deep":[1,2.5,null,true,"x"]},"host":"a","pid":7}"#.utf8)
        let text = String(decoding: try #require(request.added(to: record, of: .curator)), as: UTF8.self)
        #expect(text.contains(#""future":{"deep":[1,2.5,null,true,"x"]}"#), "\(text)")
        #expect(text.contains(#""entered":9007199254740993"#), "\(text)")
    }

    @Test func aSecondRequestTakesThePlaceOfTheFirst() throws {
        let owner = Owner(host: "db-1", pid: 4711, entered: 1)
        let first = try #require(request.added(to: owner.data, of: .curator))
        let second = RevocationRequest(host: "ops-2")
        let data = try #require(second.added(to: first, of: .curator))
        #expect(Owner(data)?.revocation == second)
    }

    @Test func curatorsContendersAreAskedAsCuratorDoesWhereTheyWantToBeTold() {
        let mark = [UInt8]("__REVOKE__".utf8)
        #expect(request.added(to: [], of: .curator) == mark)
        #expect(request.added(to: mark, of: .curator) == mark)
        // Theirs are empty unless the program says something, and they never look.
        #expect(request.added(to: [], of: .kazoo) == nil)
        #expect(request.added(to: [], of: .goZookeeper) == nil)
        #expect(request.added(to: [UInt8]("192.168.0.7".utf8), of: .curator) == nil)
        #expect(RevocationRequest(contendersData: mark) == RevocationRequest())
    }

    @Test func theLongestRecordIsStillReadWithARequestInIt() throws {
        // Every byte of these takes six in JSON.
        let owner = Owner(
            host: "h", pid: 1, label: String(repeating: "\u{1}", count: Owner.maximumLabelLength), entered: 1)
        let longest = RevocationRequest(
            reason: String(repeating: "\u{2}", count: RevocationRequest.maximumReasonLength))
        let data = try #require(longest.added(to: owner.data, of: .curator))
        #expect(Owner(data)?.revocation == longest)
        #expect(Owner(data)?.label == owner.label)
    }
}
