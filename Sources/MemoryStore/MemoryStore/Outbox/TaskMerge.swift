/// The three-way merge of a task: what store and vault last agreed on, what it is here, and what it
/// is in the vault. Pure, and the only place that decides between the three.
///
/// A task is merged in two directions: ``outgoing(_:base:theirs:)`` says what a change of ours still
/// has to send, ``incoming(_:base:here:waiting:agreed:)`` what a state of the vault changes here. Both
/// ask the same question of each field (``Standing``) and differ only in who yields: on the way out
/// a field that changed on both sides keeps both texts, and on the way in a field with a waiting
/// change is left alone, as it is decided when that change goes out.
public enum TaskMerge {
  /// How one field stands between the store, the vault, and what both last agreed on.
  enum Standing: Equatable {
    /// Both have the same.
    case same
    /// The vault still has what was agreed on: whatever differs was changed here.
    case changedHere
    /// The vault has nothing. A field cannot be emptied there, so this speaks for no change.
    case emptyThere
    /// The vault has something else than was agreed on.
    case changedThere
    /// The two differ and never agreed on anything, so it is not known who changed it.
    case neverAgreed
  }

  static func standing(
    of field: TaskField, here: String?, base: TaskFields?, theirs: TaskFields
  ) -> Standing {
    let there = theirs[field]
    if here == there { return .same }
    if let base, there == base[field] { return .changedHere }
    if there == nil { return .emptyThere }
    return base == nil ? .neverAgreed : .changedThere
  }

  // MARK: Out

  /// What a change of ours has to send.
  ///
  /// - Parameters:
  ///   - change: The fields that the change sets.
  ///   - base: What store and vault last agreed on; nil if they never did.
  ///   - theirs: The task as the vault has it; nil if it is not in sight, and then all goes out.
  /// - Returns: The fields to send; empty if the vault has them all.
  public static func outgoing(
    _ change: TaskFields, base: TaskFields?, theirs: TaskFields?
  ) -> TaskFields {
    guard let theirs else { return change }
    var result = TaskFields()
    /// Their words, which a text of ours must not push out.
    var notes: [String] = []
    var overruled: [String] = []
    for field in TaskField.allCases {
      guard let ours = change[field] else { continue }
      switch standing(of: field, here: ours, base: base, theirs: theirs) {
      case .same: break
      case .changedHere, .emptyThere, .neverAgreed: result[field] = ours
      case .changedThere:
        let other = theirs[field] ?? ""
        switch field.conflict {
        case .joined:
          // A text that holds both already was merged before.
          let isMerged = other.hasPrefix(ours + " / ") || other.hasSuffix(" / " + ours)
          result[field] = isMerged ? nil : "\(ours) / \(other)"
        case .noted:
          if !other.contains(ours) {
            result[field] = ours
            notes.append(other)
          }
        case .overruled(let name):
          result[field] = ours
          overruled.append("\(name) \(other)")
        }
      }
    }
    if !overruled.isEmpty { notes.append(overruled.joined(separator: ", ")) }
    if !notes.isEmpty {
      let text = result.context ?? change.context ?? theirs.context
      let note = "Changed in the vault meanwhile: \(notes.joined(separator: "; "))"
      result.context = [text, note].compactMap(\.self).joined(separator: "\n\n")
    }
    return result
  }

  // MARK: In

  /// What a state of the vault changes here.
  public struct Incoming: Sendable, Equatable {
    /// The fields that the task takes over from the vault.
    public var fields = TaskFields()
    /// True if the task is open here and becomes done.
    public var completes = false
    /// What store and vault agree on from now on.
    public var base = TaskFields()

    /// True if the task becomes another one here.
    public var isChange: Bool { completes || fields != TaskFields() }
  }

  /// What a state of the vault changes here. Done wins over open.
  ///
  /// - Parameters:
  ///   - theirs: The task as the vault has it.
  ///   - base: What store and vault last agreed on; nil if they never did.
  ///   - here: The task's fields in the store, and whether it is open there.
  ///   - waiting: The fields that changes set which the vault does not have yet: they stay as they
  ///     are here and keep their base, so that a conflict is seen when they go out.
  ///   - agreed: The fields that our own write has set, if the state is the answer to one: these are
  ///     agreed on even where a later change waits.
  /// - Returns: What to take over, and the new base.
  static func incoming(
    _ theirs: RemoteTask, base: TaskFields?, here: (fields: TaskFields, isOpen: Bool),
    waiting: TaskFields, agreed: TaskFields
  ) -> Incoming {
    var result = Incoming()
    result.base = base ?? TaskFields()
    result.completes = theirs.isDone && here.isOpen
    for field in TaskField.allCases {
      if waiting[field] != nil {
        if agreed[field] != nil { result.base[field] = theirs.fields[field] }
        continue
      }
      result.base[field] = theirs.fields[field]
      switch standing(of: field, here: here.fields[field], base: base, theirs: theirs.fields) {
      case .same, .changedHere, .emptyThere: break
      case .changedThere, .neverAgreed: result.fields[field] = theirs.fields[field]
      }
    }
    return result
  }
}
