internal import CZooKeeper
import Glibc

/// What a program says of itself to the kernel, where Swift cannot: the calls take a variable number of arguments in C, or are declared
/// for it under conditions that Swift's import of the C library does not meet.
package enum ThisProcess {
    /// From now on, whoever loses its parent beneath this process becomes its child, and does not leave for process 1: not even by
    /// `setsid` and a double fork.
    ///
    /// - Returns: whether the kernel agreed.
    package static func becomeSubreaper() -> Bool { czk_become_subreaper() == 0 }

    /// Names the calling thread; that of the main thread is what `ps` and `killall` go by. The kernel keeps 15 bytes.
    package static func setName(_ name: String) { czk_name_thread(name) }

    /// Overwrites the command line that others see of this process, in `ps` and `pkill -f`. What is too long for its place is cut off.
    package static func setCommandLine(_ text: String) {
        // The kernel says where it lies: fields 48 and 49, counted behind the name, which may have anything in it.
        guard let file = fopen("/proc/self/stat", "re") else { return }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        guard fgets(&line, Int32(line.count), file) != nil else { return }
        let bytes = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 46, let start = UInt(fields[45]), let end = UInt(fields[46]), start < end,
            let place = UnsafeMutablePointer<UInt8>(bitPattern: start)
        else { return }
        let length = Int(end - start)
        place.update(repeating: 0, count: length)
        // The last byte stays zero: by that the kernel knows the end.
        for (index, byte) in text.utf8.prefix(length - 1).enumerated() { place[index] = byte }
    }

    /// Makes a copy of this process. Only while it has one thread: what others are in the middle of would stay so for ever in the copy.
    ///
    /// - Returns: the copy's process id; 0 in the copy; -1 when there are no processes to be had.
    package static func fork() -> Int32 { czk_fork() }

    /// The environment, for a child that is started. Whoever changes it meanwhile must be this thread.
    package static var environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? { czk_environment() }

    /// Has a child make its group the foreground group of the terminal before the program runs, so that no read comes too early.
    ///
    /// - Parameter actions: a `posix_spawn_file_actions_t`, whose type is another one to Swift in each module that imports C.
    package static func giveTerminal(_ terminal: Int32, toChildOf actions: UnsafeMutableRawPointer) {
        posix_spawn_file_actions_addtcsetpgrp_np(
            actions.assumingMemoryBound(to: posix_spawn_file_actions_t.self), terminal)
    }

    /// Nanoseconds of the clock that also counts while the machine sleeps (`CLOCK_BOOTTIME`), which all processes read alike.
    package static var bootTime: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
