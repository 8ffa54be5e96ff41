/// What a search goes by. Each number says what was measured when it was left out: recall among the
/// first ten (R) and mean reciprocal rank (M) on dialogues of three conversations, .810 and .671 with
/// everything; on questions about code .590 and .344. All of them times .7 to 1.3 at random gives R
/// .804 to .816: there is nothing to be had from tuning them further.
enum SearchWeights {
  // MARK: Frequency (BM25)

  static let saturation = 1.2
  /// .5 is +.01 M on dialogues and -.015 R on code.
  static let lengthNormalisation = 0.75
  /// Not measured: the sets have no titles.
  static let title = 3.0
  static let body = 1.0
  static let parts = 0.5
  /// The first words of a text say what it is about (without: code R .564).
  static let headWords = 16
  static let headBonus = 0.5
  /// A compound as a phrase, beside its words.
  static let phrase = 0.5
  /// A part of an identifier, beside the whole.
  static let part = 0.3
  /// A word that was taken for a misspelt one (without: code R .582).
  static let likeWord = 0.5

  // MARK: Surroundings

  /// Of a turn's frequencies, what the ones beside it lend, and the ones beyond (without both: R .743;
  /// without the ones beyond .791). Frequencies are lent, not scores, so that they saturate once.
  static let near = 0.4
  static let far = 0.25
  /// Lent on top by the turn before if that asks: this one answers (without: R .807).
  static let asked = 0.5
  /// Of the whole session (without: M .659).
  static let session = 0.5
  static let sessionSaturation = 0.5
  /// A session holds more words than an entry: a word's weight there is less by so much.
  static let sessionRarity = 3.0
  static let sessionRows = 2000.0

  // MARK: Factors

  /// Words that follow each other in the query do so in the text (without: M .666, questions about
  /// code R .588; 1.5 is +.003 M on dialogues and -.008 M on code); fades over so many words.
  static let together = 1.1
  static let togetherWords = 8.0
  /// The query names who spoke (without: R .783).
  static let speaker = 2.0
  /// The query asks when, and the text has an expression of time (without: M .639).
  static let tellsWhen = 1.4
  /// The query has a date, and the entry is of then (without: R .791); fades over so many days.
  static let date = 2.0
  static let dateDays = 7.0
  /// The text itself asks (without: R .809).
  static let question = 0.9
  /// The newest, against an infinitely old one (costs .001); half of it is left after so many days.
  static let recency = 1.02
  static let recencyDays = 90.0
  /// Kinds that somebody wrote to be found (not measured: the sets have one kind each).
  static let writtenDown = 1.05
  /// The caller's own project, where all are searched (not measured).
  static let here = 1.05
  /// The branch that the caller is on, in that project (not measured).
  static let branch = 1.05
  /// Looked at after it was found, once and more often (not measured).
  static let used = 1.05

  // MARK: Bounds

  /// How much is looked at, whatever the words are.
  struct Bounds: Sendable {
    /// The newest rows of each term.
    var newest = 500
    /// Rows more, for terms that these make complete.
    var budget = 4000
    /// Candidates whose session is looked up.
    var pool = 600
    /// Candidates whose neighbours are looked up (100: R .810).
    var top = 150
    /// Results around which common words are looked up one by one.
    var exact = 80
    /// Results whose text is read.
    var read = 100
    /// Results in whose text the query's words are looked for.
    var together = 40

    /// For who wants more hits than these give.
    mutating func widen() {
      pool *= 4
      top *= 4
      read *= 4
    }

    /// Everything that matches: what the bounds are measured against.
    static let none = Bounds(
      newest: 100_000_000, budget: 0, pool: 20_000, top: 2000, exact: 80, read: 300, together: 300)
  }

  /// From so many words on a query is taken for a question, to which a turn may be the answer that
  /// has no word of it.
  static let questionWords = 3
  /// The longest words of a query are searched for.
  static let mostTerms = 12
  static let mostCompounds = 4
  /// Words in more than this share of the entries, and in more than so many, only count where a rarer
  /// one has led (from 500 rows on: questions about code R .582, and no faster).
  static let commonShare = 0.1
  static let commonRows = 5000.0
  /// Two common words are intersected if the rarer one has no more rows.
  static let intersectionRows = 50_000.0
  /// Where older rows of a common word are counted: how many places, and how many rows of each at most.
  static let samples: Int64 = 6
  static let sampleRows = 40
  /// Rows that a run of look-ups may skip.
  static let gap: Int64 = 8
  /// Unknown words for which a like one is looked for.
  static let mostUnknown = 2
}
