internal import CZooKeeper
import Glibc
import Locking

extension Bridge {
    /// What a server knows a session by.
    struct Identity: Sendable {
        let clientID: clientid_t
    }

    /// Creates the handle, which begins to connect. Events may arrive before this returns.
    func open(timeout: Duration, for session: Session) throws(ZooKeeperError) {
        let (hosts, identity) = (endpoint.hosts, endpoint.identity)
        let create = try creator(endpoint.tls)
        BridgeTable.register(session, as: number)
        let failure = handle.withLock { handle -> Int32? in
            var clientID = identity?.clientID ?? clientid_t()
            errno = 0
            let pointer = withUnsafePointer(to: &clientID) { clientID in
                create(hosts, Int32(clamping: timeout.milliseconds), identity == nil ? nil : clientID)
            }
            guard let pointer else { return errno }
            zoo_set_servers_resolution_delay(pointer, -1)
            handle.pointer = pointer
            handle.hosts = hosts
            return nil
        }
        guard let failure else { return }
        throw ZooKeeperError(
            .internalInconsistency, operation: "connect",
            detail: "the C client gave no handle for '\(hosts)': \(String(cString: strerror(failure)))")
    }

    private typealias Creator = @Sendable (String, Int32, UnsafePointer<clientid_t>?) -> OpaquePointer?

    private func creator(_ tls: TLS?) throws(ZooKeeperError) -> Creator {
        let (slot, bits) = (logSlot, UInt(bitPattern: context(0)))
        guard let tls else {
            return { hosts, timeout, identity in
                zookeeper_init2(
                    hosts, Callbacks.session, timeout, identity, UnsafeMutableRawPointer(bitPattern: bits),
                    ZOO_NO_LOG_CLIENTENV, slot.callback)
            }
        }
        // Declared only where the header was configured for it, so it is looked up by name.
        guard let symbol = dlsym(nil, "zookeeper_init_ssl") else {
            throw ZooKeeperError(
                .unimplemented, operation: "connect",
                detail: """
                    the C library at hand (libzookeeper_mt) was built without TLS, as Debian's is: use one built with OpenSSL, or \
                    a TLS proxy on this machine
                    """)
        }
        typealias InitSSL =
            @convention(c) (
                UnsafePointer<CChar>?, UnsafePointer<CChar>?, watcher_fn?, Int32, UnsafePointer<clientid_t>?,
                UnsafeMutableRawPointer?, Int32
            ) -> OpaquePointer?
        let initSSL = unsafeBitCast(symbol, to: InitSSL.self)
        return { hosts, timeout, identity in
            let pointer = initSSL(
                hosts, tls.list, Callbacks.session, timeout, identity, UnsafeMutableRawPointer(bitPattern: bits),
                ZOO_NO_LOG_CLIENTENV)
            if let pointer { zoo_set_log_callback(pointer, slot.callback) }
            return pointer
        }
    }
}
