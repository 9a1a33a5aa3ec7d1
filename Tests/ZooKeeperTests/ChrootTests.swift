import Testing

@testable import ZooKeeper

@Suite struct ChrootTests {
    private let chroot = Chroot(NodePath(unchecked: "/shop"))

    @Test func pathsArePutBeneathIt() {
        #expect(chroot.full(.root) == "/shop")
        #expect(chroot.full(NodePath(unchecked: "/a/b")) == "/shop/a/b")
        #expect(Chroot().full(.root) == "/")
        #expect(Chroot(.root).full(NodePath(unchecked: "/a")) == "/a")
    }

    @Test func pathsOfServersAreToldWithoutIt() {
        #expect(chroot.relative("/shop") == .root)
        #expect(chroot.relative("/shop/a/b") == NodePath(unchecked: "/a/b"))
        #expect(Chroot().relative("/shop") == NodePath(unchecked: "/shop"))
    }

    @Test func whatIsNotBeneathItIsLeftAsItIs() {
        #expect(chroot.relative("/shopping") == NodePath(unchecked: "/shopping"))
        #expect(chroot.relative("/zookeeper") == NodePath(unchecked: "/zookeeper"))
    }
}
