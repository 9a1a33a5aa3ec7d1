import ArgumentParser
import ZooKeeperLocks

extension FencingToken {
    /// As programs print it: with a turn, too, which says nothing about the place in the queue.
    init(argument: String) throws {
        guard let token = FencingToken(argument) else {
            throw ValidationError("'\(argument)' is no token: a number, as `zklock ls` shows it")
        }
        self = token
    }
}
