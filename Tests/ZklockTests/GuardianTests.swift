import Testing

@testable import zklock

@Suite struct GuardianTests {
    @Test(arguments: [
        GuardianOrder.start(
            .init(
                path: "/a b", node: "/a b/x-lock-0000000001", token: "17", deadline: .max, killAfter: 5, margin: 6,
                takesTerminal: true)),
        .extend(12), .signal(15), .resume, .stop,
    ])
    func ordersArriveAsTheyWereSent(order: GuardianOrder) {
        #expect(GuardianOrder(text: order.text) == order)
    }

    @Test(arguments: [
        GuardianReport.started(pid: 12), .refused, .failed(2), .suspended(20), .stopping(overdue: true),
        .stopping(overdue: false), .killing, .ended(status: 256, stopped: true, left: 3),
    ])
    func reportsArriveAsTheyWereSent(report: GuardianReport) {
        #expect(GuardianReport(text: report.text) == report)
    }

    @Test(arguments: ["", "start", "extend", "extend x", "ended 1", "what 1"])
    func nothingElseIsUnderstood(text: String) {
        #expect(GuardianOrder(text: text) == nil)
        #expect(GuardianReport(text: text) == nil)
    }

    @Test func theKillComesBeforeTheEndOfTheLease() {
        var plan = StopPlan(deadline: 10_000, killAfter: 2000, margin: 500)
        #expect(plan.stopDue == 7500)
        plan.begin(at: 7500)
        #expect(plan.killDue == 9500)
    }

    @Test func whoIsToldLateHasLessTime() {
        var plan = StopPlan(deadline: 10_000, killAfter: 2000, margin: 500)
        plan.begin(at: 9000)
        #expect(plan.killDue == 9500)
        // The plan is made once: what is extended later changes nothing.
        plan.deadline = 90_000
        plan.begin(at: 9100)
        #expect(plan.killDue == 9500)
    }

    @Test func aLossWithTimeLeftGrantsTheWholeGrace() {
        var plan = StopPlan(deadline: 10_000, killAfter: 2000, margin: 500)
        #expect(!plan.hasBegun)
        plan.begin(at: 1000)
        #expect(plan.killDue == 3000)
        #expect(plan.hasBegun)
    }

    @Test func statusesAreReadAsShellsHaveThem() {
        #expect(WaitStatus(0).exitCode == 0)
        #expect(WaitStatus(7 << 8).exitCode == 7)
        #expect(WaitStatus(9).exitCode == 137)
        // With a core dump.
        #expect(WaitStatus(0x80 | 11).exitCode == 139)
        #expect(WaitStatus(20 << 8 | 0x7F).suspendedBy == 20)
        #expect(WaitStatus(20 << 8 | 0x7F).endedBy == nil)
        #expect(WaitStatus(7 << 8).suspendedBy == nil)
    }

    @Test func namesOfProcessesMayHaveAnythingInThem() throws {
        let entry = try #require(ProcessTree.Entry(stat: "12 (a) (b) S) Z 7 3 9 0 -1"))
        #expect((entry.pid, entry.parent, entry.group, entry.isZombie) == (12, 7, 3, true))
        #expect(ProcessTree.Entry(stat: "no process") == nil)
        #expect(ProcessTree.Entry(stat: "12 (a) S") == nil)
    }

    @Test func descendantsAreFoundWhicheverGroupTheyAreIn() throws {
        func entry(_ pid: Int32, _ parent: Int32, _ state: Character = "S") throws -> ProcessTree.Entry {
            try #require(ProcessTree.Entry(stat: "\(pid) (x) \(state) \(parent) \(pid)"))
        }
        let tree = ProcessTree([
            try entry(2, 1), try entry(3, 2), try entry(4, 3), try entry(5, 1), try entry(6, 2, "Z"), try entry(7, 6),
        ])
        #expect(tree.descendants(of: 2).map(\.pid) == [3, 4, 7])
        #expect(tree.descendants(of: 5) == [])
        // Whatever a table that changes while it is read may claim.
        #expect(ProcessTree([try entry(2, 3), try entry(3, 2)]).descendants(of: 2).map(\.pid) == [3])
    }
}
