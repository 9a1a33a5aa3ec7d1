import Glibc
import Locking
import ZooKeeper

extension Owner {
    private struct Template {
        var label: String?
        var takesTurns: Bool
        var pid: Int32
        var tail: [UInt8]
    }

    /// Of the last record; most processes have one label.
    private static let template = Locked<Template?>(nil)
    private static let head = Array("{\"entered\":".utf8)

    /// The data of ``current(label:)``. It is written at every acquire and differs in the instant only, which comes first: the rest is
    /// encoded once.
    static func entering(label: String?, takesTurns: Bool = false) -> [UInt8] {
        let pid = getpid()
        let known = template.withLock { template in
            template.flatMap {
                $0.pid == pid && $0.label == label && $0.takesTurns == takesTurns ? $0.tail : nil
            }
        }
        let tail = known ?? tail(label, takesTurns, pid)
        var record: [UInt8] = []
        record.reserveCapacity(head.count + 20 + tail.count)
        record += head
        record += String(milliseconds).utf8
        record += tail
        return record
    }

    /// What a contender writes into its znode.
    static func record(_ options: DistributedLock.Options, takesTurns: Bool = false) -> [UInt8] {
        options.payload == nil
            ? entering(label: options.label, takesTurns: takesTurns)
            : current(label: options.label, payload: options.payload, takesTurns: takesTurns).data
    }

    private static func tail(_ label: String?, _ takesTurns: Bool, _ pid: Int32) -> [UInt8] {
        var owner = current(label: label, takesTurns: takesTurns)
        owner.entered = 0
        let tail = Array(owner.data.dropFirst(head.count + 1))
        template.withLock { $0 = Template(label: label, takesTurns: takesTurns, pid: pid, tail: tail) }
        return tail
    }
}
