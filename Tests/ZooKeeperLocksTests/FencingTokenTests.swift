import FoundationEssentials
import Testing

@testable import ZooKeeperLocks

@Suite struct FencingTokenTests {
    private static let inOrder: [FencingToken] = [
        FencingToken(rawValue: -1), FencingToken(rawValue: 0), FencingToken(rawValue: 0x1_0000_0010),
        FencingToken(rawValue: 0x1_0000_0010, turn: 0), FencingToken(rawValue: 0x1_0000_0010, turn: 1),
        FencingToken(rawValue: 0x1_0000_0010, turn: 255), FencingToken(rawValue: 0x1_0000_0010, turn: .max),
        FencingToken(rawValue: 0x1_0000_0011, turn: 1), FencingToken(rawValue: .max),
        FencingToken(rawValue: .max, turn: .max),
    ]

    @Test func pairsAreComparedByTheOneThenTheOther() {
        for (index, token) in Self.inOrder.enumerated() {
            for (other, larger) in Self.inOrder.enumerated() {
                #expect((token < larger) == (index < other))
                #expect((token == larger) == (index == other))
                // Not by the `rawValue` alone, as of what is RawRepresentable.
                #expect((token != larger) == (index != other))
                #expect((token.hashValue == larger.hashValue) == (index == other))
            }
        }
    }

    @Test func aTokenPrintsAndParsesBack() {
        #expect("\(FencingToken(rawValue: 4_294_967_312))" == "4294967312")
        #expect("\(FencingToken(rawValue: 4_294_967_312, turn: 7))" == "0000000100000010.00000007")
        #expect("\(FencingToken(rawValue: .max, turn: .max))" == "7fffffffffffffff.ffffffff")
        for token in Self.inOrder { #expect(FencingToken(token.description) == token) }
    }

    @Test func theTextOfTokensWithTurnsSortsAsTheyDo() {
        let tokens = Self.inOrder.filter { $0.turn != nil }
        #expect(tokens.map(\.description) == tokens.map(\.description).sorted())
        #expect(Set(tokens.map(\.description.count)) == [25])
    }

    @Test(arguments: [
        "", " ", "x", "12 ", " 12", "+12", "012", "-0", "1.5", "0x10", "9223372036854775808", "١٢", ".", "1.1",
        "0000000100000010.", ".00000007", "0000000100000010.0000007", "000000100000010.00000007",
        "00000000100000010.00000007", "0000000100000010.000000007", "0000000100000010:00000007",
        "0000000100000010.0000000g", "0000000100000010.0000000A", "+000000100000010.00000007",
        "0000000100000010.00000007.", "0000000100000010.00000007\n", "0000000100000010.-0000007",
    ])
    func whatIsNoTokenIsNotRead(text: String) {
        #expect(FencingToken(text) == nil)
    }

    @Test func itIsCodedAsANumberOrWithATurnAsText() throws {
        let encoder = JSONEncoder()
        let plain = try encoder.encode([FencingToken(rawValue: 12)])
        #expect(String(decoding: plain, as: UTF8.self) == "[12]")
        let withTurn = try encoder.encode([FencingToken(rawValue: 12, turn: 3)])
        #expect(String(decoding: withTurn, as: UTF8.self) == "[\"000000000000000c.00000003\"]")
        for token in Self.inOrder {
            let data = try encoder.encode([token])
            #expect(try JSONDecoder().decode([FencingToken].self, from: data) == [token])
        }
        for text in ["[\"12 \"]", "[\"\"]", "[1.5]", "[null]", "[{}]"] {
            #expect(throws: DecodingError.self) { try JSONDecoder().decode([FencingToken].self, from: Data(text.utf8)) }
        }
    }
}
