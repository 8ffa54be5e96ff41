import Core

/// Words that a search knows something of. What else is common is known by its count.
enum SearchWords {
  /// Say nothing of what is looked for. Prepositions are not among them: in questions about code they
  /// do.
  static let stop = Set(
    """
    a an the of to in is are was were be been am do does did has have had can could should would will \
    how what which who whom whose when where why i me my we us our you your he his she her him it its \
    they them their and or s t d m ll re ve
    """.split(separator: " ").map(String.init))

  /// Forms that no stemmer joins (without: M .659). English grammar, no data.
  private static let irregular = """
    become became,begin began begun,bite bit bitten,break broke broken,bring brought,build built,\
    buy bought,catch caught,choose chose chosen,come came,dig dug,draw drew drawn,drink drank drunk,\
    drive drove driven,eat ate eaten,fall fell fallen,feed fed,feel felt,fight fought,find found,\
    fly flew flown,forget forgot forgotten,freeze froze frozen,get got gotten,give gave given,\
    go went gone,grow grew grown,hear heard,hide hid hidden,hold held,keep kept,know knew known,\
    lead led,leave left,lend lent,lose lost,make made,mean meant,meet met,pay paid,ride rode ridden,\
    rise rose risen,run ran,say said,see saw seen,seek sought,sell sold,send sent,sing sang sung,\
    sit sat,sleep slept,speak spoke spoken,spend spent,stand stood,steal stole stolen,stick stuck,\
    swim swam swum,take took taken,teach taught,tell told,think thought,throw threw thrown,\
    understand understood,wake woke woken,wear wore worn,win won,write wrote written,\
    child children,person people,man men,woman women
    """.split(separator: ",").map { $0.split(separator: " ").map(String.init) }

  private static let irregularByForm: [String: [String]] = Dictionary(
    irregular.flatMap { forms in forms.map { ($0, forms) } },
    uniquingKeysWith: { first, _ in first })

  /// The other forms of a word; `finds` is asked for by the base form that a suffix leaves.
  static func forms(of word: String) -> [String] {
    if let forms = irregularByForm[word] { return forms }
    for suffix in ["s", "es", "ing", "ed"] where word.hasSuffix(suffix) {
      if let forms = irregularByForm[String(word.dropLast(suffix.count))] { return forms }
    }
    return [word]
  }

  /// True if the words ask for a time.
  static func askWhen(_ words: [String]) -> Bool {
    for (index, word) in words.enumerated() {
      let next = index + 1 < words.count ? words[index + 1] : ""
      switch word {
      case "when": return true
      case "how":
        if next == "long" || next == "old" { return true }
        let unit = index + 2 < words.count ? words[index + 2] : ""
        if next == "many", ["days", "weeks", "months", "years"].contains(unit) { return true }
      case "what", "which":
        if ["year", "month", "date", "day", "time"].contains(next) { return true }
      default: break
      }
    }
    return false
  }

  private static let timeWords = Set(
    """
    yesterday today tonight tomorrow ago since last next recently day days weekend week weeks month \
    months year years mon monday tue tues tuesday wed wednesday thu thurs thursday fri friday sat \
    saturday sun sunday january february march april june july august september october november \
    december
    """.split(separator: " ").map(String.init))

  /// By first letter, a bit for each length that a time word has: most words are ruled out by it.
  private static let timeLengths: [UInt32] = timeWords.reduce(
    into: [UInt32](repeating: 0, count: 256)
  ) { lengths, word in
    lengths[Int(word.utf8.first ?? 0)] |= 1 << UInt32(word.utf8.count)
  }

  /// True if a text tells a time: a day, a month, a year, `this morning`.
  ///
  /// - Parameter text: UTF-8.
  static func tellWhen(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
    func isWord(_ byte: UInt8) -> Bool {
      let byte = lower(byte)
      return byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte >= 0x80
    }
    func equals(_ range: Range<Int>, _ word: StaticString) -> Bool {
      range.count == word.utf8CodeUnitCount
        && range.enumerated().allSatisfy { lower(text[$1]) == word.utf8Start[$0] }
    }
    var before = 0..<0
    var index = 0
    while index < text.count {
      guard isWord(text[index]) else {
        index += 1
        continue
      }
      let start = index
      while index < text.count, isWord(text[index]) { index += 1 }
      let word = start..<index
      let first = lower(text[start])
      if word.count < 32, timeLengths[Int(first)] & 1 << UInt32(word.count) != 0,
        timeWords.contains(String(decoding: text[word].map(lower), as: UTF8.self))
      {
        return true
      }
      if equals(word, "morning"), equals(before, "this") { return true }
      if word.count == 4, text[word].allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
        (first, text[start + 1]) == (0x31, 0x39) || (first, text[start + 1]) == (0x32, 0x30)
      {
        return true
      }
      before = word
    }
    return false
  }
}
