/// Intervals are durations; points in time are Unix ms, as the store has them.
extension Duration {
  /// Whole ms of it, for reckoning with points in time and for what is told or stored in ms.
  public var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
