// Settles a reading of a transcript, and bounds what is kept.
extension Story {
  private static let mostTurns = 40
  private static let mostDecisions = 60
  private static let mostAttempts = 30
  private static let mostIncidents = 24
  private static let mostNotes = 110
  static let mostSteps = 28
  private static let mostEdits = 60
  private static let mostPurposes = 80
  private static let mostTrails = 24
  private static let mostTickets = 30

  /// Completes what is left of this reading, and drops what has the least chance to be needed.
  ///
  /// - Parameter clean: Removes secrets.
  package mutating func settle(_ clean: (String) -> String) {
    if steps.count > Self.mostSteps { steps.removeFirst(steps.count - Self.mostSteps) }
    for index in steps.indices { steps[index].complete(clean) }
    for index in checks.indices { checks[index].complete(clean) }
    purpose = nil
    trim()
  }

  private mutating func trim() {
    if turns.count > Self.mostTurns {
      turns.removeSubrange(3..<(3 + turns.count - Self.mostTurns))
    }
    if decisions.count > Self.mostDecisions {
      // The agent's own go first, then the oldest.
      let own = decisions.indices.filter { decisions[$0].kind == .agent }
      let surplus = decisions.count - Self.mostDecisions
      let dropped = Set((own + decisions.indices.filter { !own.contains($0) }).prefix(surplus))
      decisions = decisions.enumerated().filter { !dropped.contains($0.offset) }.map(\.element)
    }
    if attempts.count > Self.mostAttempts {
      attempts.removeFirst(attempts.count - Self.mostAttempts)
    }
    if incidents.count > Self.mostIncidents {
      incidents.removeFirst(incidents.count - Self.mostIncidents)
    }
    if notes.count > Self.mostNotes + Self.mostNotes / 3 {
      let kept = notes.enumerated().sorted {
        let (a, b) = (Self.standing($0.element), Self.standing($1.element))
        return (a, $0.offset) > (b, $1.offset)
      }.prefix(Self.mostNotes).map(\.offset).sorted()
      notes = kept.map { notes[$0] }
    }
    if edits.count > Self.mostEdits { edits.removeFirst(edits.count - Self.mostEdits) }
    if landmarks.count > 40 { landmarks.removeFirst(landmarks.count - 40) }
    if tickets.count > Self.mostTickets { tickets.removeFirst(tickets.count - Self.mostTickets) }
    keepNewest(Self.mostPurposes, of: &purposes, \.call)
    keepNewest(Self.mostTrails, of: &trails, \.call)
  }

  /// The worth of a note by itself, and a little for being new.
  private static func standing(_ note: Note) -> Int { note.worth * 4 + note.place.call }

  private func keepNewest<Value>(
    _ count: Int, of items: inout [String: Value], _ call: (Value) -> Int
  ) {
    guard items.count > count + count / 3 else { return }
    let kept = items.sorted { (call($0.value), $1.key) > (call($1.value), $0.key) }.prefix(count)
    items = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
  }
}
