import Glibc
import Locking
import ZooKeeper

extension Owner {
    private struct Template {
        var label: String?
        var pid: Int32
        var tail: [UInt8]
    }

    /// Of the last record; most processes have one label.
    private static let template = Locked<Template?>(nil)
    private static let head = Array("{\"entered\":".utf8)

    /// The data of ``current(label:)``. It is written at every acquire and differs in the instant only, which comes first: the rest is
    /// encoded once.
    static func entering(label: String?) -> [UInt8] {
        let pid = getpid()
        let known = template.withLock { template in
            template.flatMap { $0.pid == pid && $0.label == label ? $0.tail : nil }
        }
        return head + Array(String(milliseconds).utf8) + (known ?? tail(label, pid))
    }

    private static func tail(_ label: String?, _ pid: Int32) -> [UInt8] {
        var owner = current(label: label)
        owner.entered = 0
        let tail = Array(owner.data.dropFirst(head.count + 1))
        template.withLock { $0 = Template(label: label, pid: pid, tail: tail) }
        return tail
    }
}
