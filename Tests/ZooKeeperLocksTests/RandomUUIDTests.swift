import Foundation
import Testing

@testable import ZooKeeperLocks

@Suite struct RandomUUIDTests {
    @Test func hasVersionAndVariantInTheirPlaces() {
        #expect(RandomUUID.text(0, 0) == "00000000-0000-4000-8000-000000000000")
        #expect(RandomUUID.text(.max, .max) == "ffffffff-ffff-4fff-bfff-ffffffffffff")
        #expect(RandomUUID.text(0x0123_4567_89ab_cdef, 0x0123_4567_89ab_cdef) == "01234567-89ab-4def-8123-456789abcdef")
    }

    @Test func isWhatOthersTakeForOne() throws {
        let text = RandomUUID.next()
        #expect(try #require(UUID(uuidString: text)).uuidString.lowercased() == text)
    }

    @Test func isAnotherOneEachTime() {
        #expect(Set((0..<1000).map { _ in RandomUUID.next() }).count == 1000)
    }
}
