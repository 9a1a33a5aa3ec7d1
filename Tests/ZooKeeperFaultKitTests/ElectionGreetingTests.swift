import NIOCore
import Testing

@testable import ZooKeeperFaultKit

@Suite struct ElectionGreetingTests {
    private func message(_ address: String, version: Int64 = -65536) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(version)
        buffer.writeInteger(Int64(2))
        buffer.writeInteger(Int32(address.utf8.count))
        buffer.writeString(address)
        return buffer
    }

    @Test(arguments: ["127.0.0.1:12345", "[::1]:3888|10.0.0.1:3888", ""])
    func `The address is replaced, and all else passes`(address: String) {
        var greeting = ElectionGreeting(callbackPort: 999)
        var sent = message(address)
        sent.writeString("vote")
        var expected = message("127.0.0.1:999")
        expected.writeString("vote")
        let passed = greeting.replace(in: sent)
        #expect(passed == expected)
        let more = greeting.replace(in: message(address))
        #expect(more == message(address))
    }

    @Test func `It may arrive byte by byte`() {
        var greeting = ElectionGreeting(callbackPort: 999)
        var passed = ByteBuffer()
        for byte in message("127.0.0.1:12345").readableBytesView {
            passed.writeImmutableBuffer(greeting.replace(in: ByteBuffer(bytes: [byte])))
        }
        #expect(passed == message("127.0.0.1:999"))
    }

    @Test func `What is no such message passes as it is`() {
        var old = ElectionGreeting(callbackPort: 999)
        let number = ByteBuffer(integer: Int64(3))
        let passed = old.replace(in: number)
        #expect(passed == number)
        for length in [Int32(-1), 2049, .max] {
            var odd = ElectionGreeting(callbackPort: 999)
            var nonsense = ByteBuffer()
            nonsense.writeInteger(Int64(-1))
            nonsense.writeInteger(Int64(3))
            nonsense.writeInteger(length)
            let passed = odd.replace(in: nonsense)
            #expect(passed == nonsense)
        }
        var short = ElectionGreeting(callbackPort: 999)
        let half = ByteBuffer(integer: Int32(-1))
        let none = short.replace(in: half)
        #expect(none.readableBytes == 0)
        let rest = short.rest()
        #expect(rest == half)
    }
}
