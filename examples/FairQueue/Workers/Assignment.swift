import FoundationEssentials

/// What a worker that is a process of its own has to know. It travels as one argument, its events come back as lines.
struct Assignment: Codable, Sendable {
    var worker: Worker
    var client: WorkerClient
    var path: String

    /// - Throws: `EncodingError`.
    func argument() throws -> String {
        try JSONText.encode(self)
    }

    /// - Throws: `DecodingError`.
    init(argument: String) throws {
        self = try JSONText.decode(argument)
    }

    init(worker: Worker, client: WorkerClient, path: String) {
        self.worker = worker
        self.client = client
        self.path = path
    }
}

extension Event {
    /// - Throws: `EncodingError`.
    func line() throws -> String {
        try JSONText.encode(self)
    }

    /// - Throws: `DecodingError`.
    init(line: String) throws {
        self = try JSONText.decode(line)
    }
}

private enum JSONText {
    static func encode(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ text: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }
}
