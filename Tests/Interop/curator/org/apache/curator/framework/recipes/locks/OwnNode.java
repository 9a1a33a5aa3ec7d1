package org.apache.curator.framework.recipes.locks;

/** The znode of a lock that is held. In Curator's package, where what tells is protected. */
public final class OwnNode {
    private OwnNode() {}

    public static String of(InterProcessMutex lock) {
        return lock.getLockPath();
    }
}
