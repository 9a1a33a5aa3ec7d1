extension Duration {
    /// No more than a century, which is as good as for ever: instants can be computed with it.
    package var bounded: Duration { min(self, .seconds(3_155_760_000)) }
}
