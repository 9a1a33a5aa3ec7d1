/// An optional that is nearly always empty: there is room for the value only while there is one.
///
/// Ten thousand may wait in one process, and what happens to hardly any of them need not have a place in each.
@propertyWrapper
enum Rare<Value: Sendable>: Sendable {
    case absent
    indirect case present(Value)

    init(wrappedValue: Value?) {
        self = wrappedValue.map { .present($0) } ?? .absent
    }

    var wrappedValue: Value? {
        get { if case .present(let value) = self { value } else { nil } }
        set { self = Rare(wrappedValue: newValue) }
    }
}
