import Core

/// What changes between two texts, line by line, with the lines around it.
enum LineDifference {
  private static let context = 3

  static func text(_ old: String, _ new: String) -> [(mark: Character, line: String)] {
    let old = old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let new = new.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var all: [(mark: Character, line: String)] = []
    var removed = Set<Int>()
    var inserted = Set<Int>()
    for change in new.difference(from: old) {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var (left, right) = (0, 0)
    while left < old.count || right < new.count {
      if removed.contains(left) {
        all.append(("-", old[left]))
        left += 1
      } else if inserted.contains(right) {
        all.append(("+", new[right]))
        right += 1
      } else {
        all.append((" ", left < old.count ? old[left] : new[right]))
        left += 1
        right += 1
      }
    }
    let changed = all.indices.filter { all[$0].mark != " " }
    var shown: [(mark: Character, line: String)] = []
    var last = -1
    for index in all.indices
    where changed.contains(where: { abs($0 - index) <= context }) {
      if last >= 0, index > last + 1 { shown.append(("@", "")) }
      shown.append(all[index])
      last = index
    }
    return shown
  }
}
