import MemoryStore

/// Three-way merge of a task's change: what the vault and the store last agreed on, what was
/// changed here, what the vault has now. Pure.
///
/// A field that changed on one side takes that side; one that changed on both keeps both texts.
enum TaskMerge {
  /// - Parameters:
  ///   - theirs: Nil if the vault's task is not in sight.
  /// - Returns: What to send; empty if the vault has it all.
  static func change(
    _ ours: TaskFields, base: TaskFields?, theirs: TaskFields?
  ) -> TaskFields {
    guard let theirs else { return ours }
    var result = TaskFields()
    var kept: [String] = []
    func conflict(_ field: KeyPath<TaskFields, String?>) -> String? {
      guard let base, let ours = ours[keyPath: field], let theirs = theirs[keyPath: field],
        theirs != ours, theirs != base[keyPath: field]
      else { return nil }
      return theirs
    }
    func wanted(_ field: KeyPath<TaskFields, String?>) -> String? {
      ours[keyPath: field] == theirs[keyPath: field] ? nil : ours[keyPath: field]
    }
    result.title = wanted(\.title)
    if let other = conflict(\.title), let title = ours.title {
      // A title that holds both already was merged before.
      result.title =
        other.hasPrefix(title + " / ") || other.hasSuffix(" / " + title)
        ? nil : "\(title) / \(other)"
    }
    result.project = wanted(\.project)
    if let other = conflict(\.project) { kept.append("project \(other)") }
    result.occurredAt = wanted(\.occurredAt)
    if let other = conflict(\.occurredAt) { kept.append("time \(other)") }
    result.context = wanted(\.context)
    var notes: [String] = []
    if let other = conflict(\.context), let context = ours.context {
      if other.contains(context) {
        result.context = nil
      } else {
        notes.append(other)
      }
    }
    if !kept.isEmpty { notes.append(kept.joined(separator: ", ")) }
    if !notes.isEmpty {
      let text = result.context ?? ours.context ?? theirs.context
      result.context =
        ([text].compactMap(\.self) + [
          "Changed in the vault meanwhile: \(notes.joined(separator: "; "))"
        ])
        .joined(separator: "\n\n")
    }
    return result
  }
}
