import Testing

@testable import ZooKeeperLocks

@Suite struct QueuePolicyTests {
    private static let uuid = "7f3c0a52-1111-2222-3333-444455556666"

    private func name(_ number: Int, _ claim: Claim, uuid: String = "00000000-0000-0000-0000-000000000000") -> String {
        let digits = String(number)
        return ContenderName.prefix(uuid: uuid, claim: claim) + String(repeating: "0", count: 10 - digits.count)
            + digits
    }

    /// What the last of them sees of the others.
    private func view(_ policy: QueuePolicy, behind claims: [Claim], followedBy: Claim? = nil) -> QueueView? {
        let own = name(claims.count, policy.claim, uuid: Self.uuid)
        var names = claims.enumerated().map { name($0.offset, $0.element) } + [own]
        if let followedBy { names.append(name(claims.count + 1, followedBy)) }
        return QueueView(QueueListing(names.reversed()), own: own, uuid: Self.uuid, policy: policy)
    }

    // MARK: Readers and writers

    @Test func aReaderWaitsForTheNearestWriter() throws {
        #expect(view(.read, behind: [])?.turn == .now)
        #expect(view(.read, behind: [.read, .read])?.turn == .now)
        let one = try #require(view(.read, behind: [.write, .read, .read]))
        #expect(one.turn == .afterPredecessor(isLast: true))
        #expect(one.predecessor?.string == name(0, .write))
        let two = try #require(view(.read, behind: [.write, .read, .exclusive, .read]))
        #expect(two.turn == .afterPredecessor(isLast: false))
        #expect(two.predecessor?.string == name(2, .exclusive))
        #expect(two.forerunner?.string == name(0, .write))
    }

    @Test func aWriterWaitsForEverybodyAhead() throws {
        #expect(view(.write, behind: [])?.turn == .now)
        let one = try #require(view(.write, behind: [.read]))
        #expect(one.turn == .afterPredecessor(isLast: true))
        // Readers leave in any order: the one before the last says nothing.
        let some = try #require(view(.write, behind: [.read, .read, .read]))
        #expect(some.turn == .afterPredecessor(isLast: false))
        #expect(some.predecessor?.string == name(2, .read))
        #expect(some.forerunner == nil)
    }

    /// It may become a reader, in its own place.
    @Test(arguments: [QueuePolicy.write, .exclusive]) func aWriterThatGoesIsNoGrant(policy: QueuePolicy) {
        #expect(view(policy, behind: [.write])?.turn == .afterPredecessor(isLast: false))
        #expect(view(policy, behind: [.exclusive])?.turn == .afterPredecessor(isLast: true))
    }

    // MARK: Permits

    @Test func permitsAreCountedInOrder() {
        func turn(_ own: Int, behind counts: [Int]) -> QueueView.Turn? {
            view(.permits(own, of: 3), behind: counts.map { .permits($0) })?.turn
        }
        #expect(turn(3, behind: []) == .now)
        #expect(turn(1, behind: [1, 1]) == .now)
        #expect(turn(1, behind: [1, 1, 1]) == .afterSome)
        #expect(turn(2, behind: [1, 1]) == .afterSome)
        #expect(turn(1, behind: [1, 1, 1, 1]) == .afterPredecessor(isLast: false))
        // One is free, and kept for the one ahead.
        #expect(turn(1, behind: [1, 1, 2]) == .afterPredecessor(isLast: false))
        // Whoever knows nothing of permits wants to be alone.
        #expect(view(.permits(1, of: 3), behind: [.exclusive])?.turn == .afterSome)
        #expect(view(.permits(1, of: 3), behind: [.permits(1), .exclusive])?.turn == .afterPredecessor(isLast: false))
        #expect(view(.exclusive, behind: [.permits(1)])?.turn == .afterPredecessor(isLast: true))
    }

    @Test func whoeverIsBehindIsSeen() {
        #expect(view(.permits(1, of: 3), behind: [])?.hasFollowers == false)
        #expect(view(.permits(1, of: 3), behind: [], followedBy: .permits(1))?.hasFollowers == true)
    }

    // MARK: Names

    @Test(arguments: [
        ("_c_7f3c0a52-1111-2222-3333-444455556666-__READ__0000000012", Claim.read),
        ("_c_7f3c0a52-1111-2222-3333-444455556666-__WRIT__0000000012", .write),
        ("7f3c0a52111122223333444455556666__rlock__0000000012", .read),
        ("7f3c0a52111122223333444455556666__lock__0000000012", .exclusive),
        ("_c_7f3c0a52-1111-2222-3333-444455556666-permits-7-0000000012", .permits(7)),
        ("_c_7f3c0a52-1111-2222-3333-444455556666-permits-99999999--2147483648", .permits(99_999_999)),
    ]) func claims(text: String, claim: Claim) {
        #expect(ContenderName(text)?.claim == claim)
    }

    @Test(arguments: [
        "_c_x-permits-0-0000000012", "_c_x-permits--0000000012", "_c_x-permits-123456789-0000000012",
        "_c_x-permit-1-0000000012", "_c_x-__READ_0000000012", "_c_x-1-0000000012", "-0000000012",
    ]) func noContenders(text: String) {
        #expect(ContenderName(text) == nil)
    }

    @Test func theReadersNameInAWritersPlace() {
        let writer = ContenderName("_c_7f3c0a52-1111-2222-3333-444455556666-__WRIT__-000000007")
        #expect(writer?.downgraded == "_c_7f3c0a52-1111-2222-3333-444455556666-__READ__-000000007")
        #expect(ContenderName("_c_7f3c-__READ__0000000007")?.downgraded == nil)
        #expect(ContenderName("_c_7f3c-lock-0000000007")?.downgraded == nil)
    }

    @Test func whoseNodeItIs() {
        for naming in ContenderNaming.allCases {
            let uuid = naming.identifier(Self.uuid)
            for claim in [Claim.exclusive, .read, .write, .permits(3)] {
                let name = ContenderName(
                    ContenderName.prefix(uuid: uuid, claim: claim, naming: naming) + "0000000001")
                #expect(name?.belongs(to: uuid) == true, "\(naming) \(claim)")
                #expect(name?.belongs(to: String(uuid.dropLast())) == false)
                #expect(name?.belongs(to: naming.identifier("00000000-1111-2222-3333-444455556666")) == false)
            }
        }
    }

    @Test func whatASemaphoresParentSays() {
        #expect(ParentData(ParentData.semaphore(7)) == .ours(lastHead: nil, permits: 7))
        #expect(ParentData(ParentData.semaphore(7)).permits == 7)
        #expect(ParentData(ParentData.empty).permits == nil)
        #expect(ParentData([]).permits == nil)
    }
}
