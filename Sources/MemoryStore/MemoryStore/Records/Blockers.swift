import Core

/// What is in the way, and what only says that nothing is.
public enum Blockers {
  /// Without the items that say that there are none: `None.`, `n/a`, `-`, `No blockers so far`.
  public static func named(_ items: [String]) -> [String] { items.filter { !isNone($0) } }

  private static let nothing: Set<String> = [
    "none", "no", "nothing", "nil", "null", "na", "unblocked", "nope",
    // As people say it elsewhere.
    "keine", "keiner", "kein", "nichts", "nein", "aucun", "aucune", "rien", "ninguno", "ninguna",
    "nada", "nessuno", "niente", "nenhum", "nenhuma", "geen", "ingen", "inga", "brak", "нет", "yok",
    "なし", "无", "無", "没有", "없음",
  ]
  private static let denials: Set<[String]> = [
    ["n", "a"], ["not", "applicable"], ["not", "blocked"],
  ]
  /// Say nothing beside these.
  private static let fillers: Set<String> = [
    "a", "active", "any", "anything", "are", "at", "blocked", "blocker", "blockers", "blocking",
    "currently", "current", "external", "far", "for", "further", "here", "identified", "impediment",
    "impediments", "in", "is", "issue", "issues", "known", "left", "major", "me", "moment", "more",
    "now", "of", "open", "other", "outstanding", "present", "really", "reported", "right", "so",
    "the",
    "there", "this", "time", "today", "us", "way", "work", "yet",
  ]

  /// - Parameter text: A whole item.
  static func isNone(_ text: String) -> Bool {
    // More than a dozen words tell something.
    let words = text.prefix(120).lowercased().replacing("’", with: "'").split {
      !$0.isLetter && !$0.isNumber && $0 != "'"
    }.map(String.init)
    guard text.count <= 120 else { return false }
    // `-`, `—`, `…` or nothing at all.
    guard !words.isEmpty else { return true }
    if let denial = denials.first(where: { words.starts(with: $0) }) {
      return words.dropFirst(denial.count).allSatisfy(fillers.contains)
    }
    var rest = words[...]
    // `There are no blockers`, `currently none`.
    rest = rest.drop(while: fillers.contains)
    guard let first = rest.first, nothing.contains(first) else { return false }
    return rest.dropFirst().allSatisfy { fillers.contains($0) || nothing.contains($0) }
  }
}
