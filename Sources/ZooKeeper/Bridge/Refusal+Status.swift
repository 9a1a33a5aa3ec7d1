internal import CZooKeeper

extension Refusal {
    /// Reads a status of the C client.
    ///
    /// Only what the server itself answered is known not to be executed. Whatever ends a connection fails all that is pending
    /// on it, with a status that depends on how it ended.
    init(status: Int32) {
        // The C header has no name for this one, which servers that enforce quotas send.
        let quotaExceeded: Int32 = -125
        // Nor for this one: the session is over, and the server has forgotten it; the news of that is on its way.
        let unknownSession: Int32 = -12
        let (code, mayBeExecuted): (ZooKeeperError.Code, Bool) =
            switch status {
            case ZNONODE.rawValue: (.noNode, false)
            case ZNODEEXISTS.rawValue: (.nodeExists, false)
            case ZNOTEMPTY.rawValue: (.notEmpty, false)
            case ZBADVERSION.rawValue: (.badVersion, false)
            case ZNOCHILDRENFOREPHEMERALS.rawValue: (.noChildrenForEphemerals, false)
            case ZNOAUTH.rawValue: (.notAuthorized, false)
            case ZINVALIDACL.rawValue: (.invalidACL, false)
            case ZBADARGUMENTS.rawValue: (.invalidArgument, false)
            case ZUNIMPLEMENTED.rawValue: (.unimplemented, false)
            case ZSESSIONMOVED.rawValue: (.sessionMoved, false)
            case ZNOTREADONLY.rawValue: (.notReadOnly, false)
            case ZTHROTTLEDOP.rawValue: (.throttled, false)
            case quotaExceeded: (.quotaExceeded, false)
            case ZAUTHFAILED.rawValue: (.authenticationFailed, true)
            case ZSESSIONEXPIRED.rawValue, unknownSession: (.sessionExpired, true)
            case ZINVALIDSTATE.rawValue: (.sessionExpired, true)
            case ZCLOSING.rawValue: (.closed, true)
            case ZCONNECTIONLOSS.rawValue, ZOPERATIONTIMEOUT.rawValue, ZSYSTEMERROR.rawValue,
                ZRUNTIMEINCONSISTENCY.rawValue, ZMARSHALLINGERROR.rawValue:
                (.connectionLost, true)
            default: (.server(status), status > ZAPIERROR.rawValue)
            }
        self.init(code: code, mayBeExecuted: mayBeExecuted)
    }
}
