/// Whether there is time for another call of the vault.
struct CallBudget {
  /// When all must be over; nil without an end.
  let end: ContinuousClock.Instant?
  /// True once the rest is to be left for later.
  let isCancelled: () -> Bool
  /// How long calls take here, as far as it has been seen.
  var pace = Duration.milliseconds(50)

  var hasTime: Bool {
    if isCancelled() { return false }
    guard let end else { return true }
    // A call that is cut short has to be looked up, so it is rather not made.
    return end - .now > max(.milliseconds(100), pace * 4)
  }
}
