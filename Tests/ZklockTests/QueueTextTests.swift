import Testing
import ToolArguments
import ZooKeeper

@testable import ZooKeeperLocks
@testable import zklock

@Suite struct QueueTextTests {
    private func entry(_ number: Int, token: Int64, _ data: [UInt8], session: Int64 = 5) throws -> QueueEntry {
        let name = try #require(ContenderName("_c_x-lock-000000000\(number)"))
        return QueueEntry(
            name, at: try NodePath("/l/\(name.string)"), Stat(czxid: token, ctime: 1000, ephemeralOwner: session),
            data: data)
    }

    @Test func aQueueIsATable() throws {
        let queue = QueueSnapshot(
            path: try NodePath("/l"),
            entries: [
                try entry(1, token: 9, Owner(host: "web1", pid: 12, label: "deploy", entered: 0).data),
                try entry(2, token: 10, Array("kazoo's".utf8), session: 0),
            ], others: ["config"])
        let lines = QueueText.table(queue, now: 61_000).split(separator: "\n").map(String.init)
        #expect(lines.count == 4)
        #expect(lines[0].split(separator: " ") == ["TOKEN", "SINCE", "WHO", "NODE"])
        #expect(lines[1].hasPrefix("holds  9      1 min  web1:12 (deploy) "))
        #expect(lines[2].hasPrefix("1      10     1 min  kazoo's (stays until it is deleted by hand) "))
        #expect(lines[1].hasSuffix(" _c_x-lock-0000000001"))
        // The columns stand beneath each other.
        #expect(Set(lines[..<3].map { $0.count - ($0.split(separator: " ").last?.count ?? 0) }).count == 1)
        #expect(lines[3] == "no contenders: config")
    }

    @Test func linesForProgramsHaveEverything() throws {
        let queue = QueueSnapshot(
            path: try NodePath("/l"),
            entries: [try entry(1, token: 9, Owner(host: "web1", pid: 12, label: "a\"b", entered: 0).data)])
        #expect(
            QueueText.lines(queue).map(\.text) == [
                #"{"path":"/l","node":"/l/_c_x-lock-0000000001","token":9,"ahead":0,"holds":true,"enteredMs":1000,"session":"0x5","naming":"other","host":"web1","pid":12,"label":"a\"b"}"#
            ])
        #expect(QueueText.line(watching: queue).text.hasPrefix(#"{"event":"queue","path":"/l","contenders":[{"node":"#))
    }

    @Test func whatOthersWriteDoesNotSteerTheTerminal() throws {
        let owner = Owner(host: "web1", pid: 12, label: "\u{1B}[2J", entered: 0)
        #expect(QueueText.who(try entry(1, token: 9, owner.data)) == "web1:12 (?[2J)")
    }

    @Test func whoWaitsSeesWhere() throws {
        let queue = QueueSnapshot(
            path: try NodePath("/l"),
            entries: [
                try entry(1, token: 9, Owner(host: "web1", pid: 12, entered: 0).data), try entry(2, token: 10, []),
            ])
        let line = WaitingLine.text(queue, own: queue.entries[1].node, waited: .seconds(61))
        #expect(line == "zklock: /l: 1 ahead, held by web1:12, waiting for 1 min 1 s")
    }
}
