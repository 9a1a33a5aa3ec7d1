/// Whether this was built with a sanitizer, by `Tests/sanitize`.
package enum Sanitizer {
    package static var isOn: Bool {
        #if SANITIZED
            true
        #else
            false
        #endif
    }
}
