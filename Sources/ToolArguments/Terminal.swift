public import Glibc

/// What a program may know of the terminal that it writes to.
public enum Terminal {
    public struct Size: Hashable, Sendable {
        public var columns: Int
        public var rows: Int

        public init(columns: Int, rows: Int) {
            self.columns = columns
            self.rows = rows
        }
    }

    /// Whether a person looks at standard output now.
    public static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    /// The size of the window behind standard output, as of now; 80 × 24 where nobody knows.
    public static var size: Size {
        var window = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
            return Size(columns: 80, rows: 24)
        }
        return Size(columns: Int(window.ws_col), rows: Int(window.ws_row))
    }

    /// Whether lines may be redrawn in place: a person looks, and the terminal knows the usual codes.
    public static var canRedraw: Bool {
        isInteractive && !["", "dumb"].contains(variable("TERM") ?? "")
    }

    /// See https://no-color.org.
    public static var wantsColor: Bool {
        (variable("NO_COLOR") ?? "").isEmpty
    }

    /// Whether the terminal takes UTF-8, going by the locale.
    public static var takesUnicode: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first { !$0.isEmpty } ?? ""
        let lowercased = locale.lowercased()
        return lowercased.contains("utf-8") || lowercased.contains("utf8")
    }

    /// Writes all of `text` at once, past any buffer; to standard output unless another descriptor is named.
    ///
    /// - Returns: whether it was written; `false` when nobody reads any more.
    @discardableResult
    public static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count < 0, errno == EAGAIN {
                    // Whoever shares the terminal has made it non-blocking.
                    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&ready, 1, -1)
                } else if count == 0 || errno != EINTR {
                    return false
                }
            }
            return true
        }
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
