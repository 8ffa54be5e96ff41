/// One look over a text for credential shapes and for assignment-like places.
///
/// The scanner walks over the bytes once and stops only where a table says that something may
/// begin or end there (``SecretTrigger``). From such a byte it looks back a bounded number of
/// bytes. It looks forward over a run of one class, and goes on behind the run if the run was a
/// secret; where it was not, the run cannot be entered again by the same rule: a rule starts at
/// the beginning of a run, or remembers its end (`valueRun`, `tokenRunEnd`). So the work is
/// proportional to the size of the text.
struct SecretScanner {
  let bytes: UnsafeBufferPointer<UInt8>
  let tables: UnsafePointer<SecretCatalog.Tables>
  /// The end of the last finding; nothing looks back past it.
  private(set) var floor = 0
  /// The last run of value bytes, and how many values were seen to begin in it.
  var valueRun = 0..<0
  var valuesInRun = 0
  /// The lines of a Kubernetes secret; what they hold is one under any name.
  var secretLines = 0..<0
  /// How far such lines were looked for in vain.
  var secretSearchEnd = 0
  /// The index before which a program was last looked for, and what was found.
  var lastProgram: (index: Int, program: SecretProgram?) = (0, nil)
  /// The end of the last run that looked like a JWT and was none.
  var tokenRunEnd = 0

  static func find(in bytes: UnsafeBufferPointer<UInt8>) -> [SecretFinding] {
    SecretCatalog.shared.withTables { tables in
      var scanner = SecretScanner(bytes: bytes, tables: tables)
      return scanner.findings()
    }
  }

  private init(bytes: UnsafeBufferPointer<UInt8>, tables: UnsafePointer<SecretCatalog.Tables>) {
    self.bytes = bytes
    self.tables = tables
  }

  private mutating func findings() -> [SecretFinding] {
    var findings: [SecretFinding] = []
    let raw = UnsafeRawBufferPointer(bytes)
    let gates = tables.pointee.gates
    // Of each pair of bytes the index of the second.
    var index = 1
    while index < bytes.count {
      let loaded = raw.loadUnaligned(fromByteOffset: index &- 1, as: UInt16.self)
      let pair = Int(UInt16(littleEndian: loaded))
      guard gates[pair &>> 6] &>> UInt64(pair & 63) & 1 != 0 else {
        index &+= 1
        continue
      }
      let trigger = SecretTrigger(rawValue: tables.pointee.triggers[pair])
      guard trigger.rawValue < SecretTrigger.call.rawValue || mayBegin(trigger, at: index) else {
        index &+= 1
        continue
      }
      if trigger.contains(.marker), let end = SecretMarker.end(at: index - 1, in: bytes) {
        floor = end
        index = end + 1
      } else if let finding = finding(for: trigger, at: index), finding.start >= floor,
        finding.end > finding.start
      {
        findings.append(finding)
        floor = finding.end
        if let partner = partner(of: finding) {
          findings.append(partner)
          floor = partner.end
        }
        index = max(index, floor) + 1
      } else {
        index &+= 1
      }
    }
    return findings
  }

  /// Whether the next bytes allow what pairs that are common in any text may begin.
  @inline(__always)
  private func mayBegin(_ trigger: SecretTrigger, at index: Int) -> Bool {
    let next = byte(index &+ 1) | 0x20
    // An option has a letter; a dash of a sentence or a list has a blank.
    if trigger == .option { return UInt8(ascii: "a") <= next && next <= UInt8(ascii: "z") }
    if trigger == .call { return mayBeCall(at: index &- 1) }
    if trigger == .phrase { return mayBePhrase(anchoredAt: index) }
    if trigger == .noun {
      return next == UInt8(ascii: "e") && (byte(index &+ 2) | 0x20).isOne(of: "nt")
    }
    return true
  }

  /// - Parameter index: Of the second byte of the pair.
  private mutating func finding(
    for trigger: SecretTrigger, at index: Int
  ) -> SecretFinding? {
    if trigger.contains(.anchor), let finding = shape(anchoredAt: index) { return finding }
    if trigger.contains(.phrase), let finding = phrase(anchoredAt: index) { return finding }
    if trigger.contains(.element) { return nextElement(after: index) }
    if trigger.contains(.cell) { return nextCell(after: index) }
    if trigger.contains(.handed) { return handedSecret(at: index - 1) }
    if trigger.contains(.fallback), let finding = fallbackValue(at: index - 1) { return finding }
    if trigger.contains(.separator) {
      if bytes[index] == UInt8(ascii: ">") { return elementText(after: index) }
      if bytes.matches("://", at: index) { return urlSecret(after: index + 3) }
      if bytes[index] == UInt8(ascii: ":"), !has(index - 1, [.quote, .space]),
        has(index + 1, .digit) || byte(index + 1) == UInt8(ascii: "*"),
        let password = passwordFileLine(at: index)
      {
        return password
      }
      // A number and a secret: no key and its value.
      if bytes.matches(":AA", at: index), let token = shape(anchoredAt: index + 1) {
        return token
      }
      if bytes[index] == UInt8(ascii: ":"), let value = slashOption(at: index) { return value }
      return assignment(at: index)
    }
    if trigger.contains(.option) { return optionValue(at: index) }
    if trigger.contains(.flag) { return flagValue(at: index - 1) }
    if trigger.contains(.scheme) {
      if (bytes[index] | 0x20) == UInt8(ascii: "y") { return identifiedBy(at: index - 1) }
      return schemeCredential(at: index - 1) ?? pemBlock(at: index - 1)
    }
    if trigger.contains(.dot) { return dottedToken(at: index) }
    if trigger.contains(.at) { return dataSourcePassword(before: index - 1) }
    if trigger.contains(.call) { return argument(after: index - 1) }
    if trigger.contains(.password) { return spokenPassword(at: index) ?? spokenSecret(at: index) }
    if trigger.contains(.noun) { return spokenSecret(at: index) }
    return nil
  }

  // MARK: - Reading bytes

  /// The byte at an index, 0 outside of the text.
  @inline(__always)
  func byte(_ index: Int) -> UInt8 {
    index >= 0 && index < bytes.count ? bytes[index] : 0
  }

  @inline(__always)
  func has(_ index: Int, _ mask: ByteClass) -> Bool {
    index >= 0 && index < bytes.count
      && tables.pointee.classes[Int(bytes[index])] & mask.rawValue != 0
  }

  /// The end of the run of one class that begins at an index.
  @inline(__always)
  func runEnd(_ mask: ByteClass, from start: Int, limit: Int = .max) -> Int {
    let limit = min(limit, bytes.count)
    var index = start
    while index < limit, tables.pointee.classes[Int(bytes[index])] & mask.rawValue != 0 {
      index &+= 1
    }
    return index
  }

  /// The start of the run of one class that ends before an index, at most `count` bytes back.
  @inline(__always)
  func runStart(_ mask: ByteClass, before end: Int, count: Int) -> Int {
    let limit = max(floor, end - count)
    var index = end
    while index > limit, tables.pointee.classes[Int(bytes[index &- 1])] & mask.rawValue != 0 {
      index &-= 1
    }
    return index
  }

  func contains(_ mask: ByteClass, in range: Range<Int>) -> Bool {
    // A loop: a closure would copy the scanner.
    for index in range where tables.pointee.classes[Int(bytes[index])] & mask.rawValue != 0 {
      return true
    }
    return false
  }

  /// Skips blanks and tabs, at most 64.
  func skipBlanks(from start: Int) -> Int {
    var index = start
    while index < bytes.count, index - start < 64,
      bytes[index] == UInt8(ascii: " ") || bytes[index] == UInt8(ascii: "\t")
    {
      index += 1
    }
    return index
  }

  /// Whether a word can begin at an index: nothing, a sign, or an escape sequence is before it.
  func isWordStart(_ index: Int) -> Bool {
    guard has(index - 1, .alphanumeric) else { return true }
    let before = bytes[index - 1]
    // \n, \t ... as two characters, as in JSON.
    if byte(index - 2) == UInt8(ascii: "\\") { return before.isOne(of: "nrtbfv0") }
    // %3D, \u003d and \x3d.
    if has(index - 1, .hex), has(index - 2, .hex) {
      if byte(index - 3) == UInt8(ascii: "%") { return true }
      if byte(index - 3) == UInt8(ascii: "x"), byte(index - 4) == UInt8(ascii: "\\") {
        return true
      }
      if byte(index - 5) == UInt8(ascii: "u"), byte(index - 6) == UInt8(ascii: "\\") {
        return true
      }
    }
    // ESC [ 0;32 m, a terminal's colour.
    guard before == UInt8(ascii: "m") else { return false }
    var start = index - 2
    while start > index - 12, has(start, .digit) || byte(start) == UInt8(ascii: ";") {
      start -= 1
    }
    return byte(start) == UInt8(ascii: "[") && start < index - 2
  }
}
