import CSQLite
import GRDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What SQLite keeps nothing in, page by page of the store's file: free pages, the gap and the free blocks
/// within a page of a table or an index, and what a long text leaves of its last page. All of it may hold
/// what stood there once, also where `secure_delete` was on: a page whose rows move to another one keeps
/// their bytes.
///
/// Zeros go straight into the file, through SQLite's own handle of it, as SQLite has no statement for
/// that. Only bytes are written that nobody reads, so whoever is cut off there has changed nothing. It
/// needs the write lock and an empty log, for then the file has the newest form of each page, and no
/// other process writes any. Source: sqlite.org/fileformat2.html
struct DeadBytes {
  private enum Kind: UInt8 {
    /// A part of a long text, or nothing that is known here.
    case other, tree, trunk, free
  }

  private let file: UnsafeMutablePointer<sqlite3_file>
  private let methods: sqlite3_io_methods
  /// Bytes of a page, and those of them that SQLite uses.
  private let size: Int
  private let usable: Int
  private let count: Int
  private var kinds: [Kind] = []
  private var hasWritten = false
  private let zeros: [UInt8]

  /// Pages between two looks at the clock.
  private static let stride = 32

  // MARK: Files

  /// True if all that was ever written stands in the database's own file.
  static func logIsEmpty(_ db: Database) throws -> Bool {
    let log = try handle(db, SQLITE_FCNTL_JOURNAL_POINTER)
    guard let methods = log.pointee.pMethods?.pointee else { return true }
    var size: sqlite3_int64 = 0
    try check(methods.xFileSize(log, &size))
    return size == 0
  }

  private static func handle(
    _ db: Database, _ which: Int32
  ) throws -> UnsafeMutablePointer<sqlite3_file> {
    var file: UnsafeMutablePointer<sqlite3_file>?
    try check(sqlite3_file_control(db.sqliteConnection, "main", which, &file))
    guard let file else { throw DatabaseError(resultCode: .SQLITE_ERROR) }
    return file
  }

  private static func check(_ code: Int32) throws {
    guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
  }

  /// A page that is not as SQLite writes it: nothing is written then.
  private static var damage: DatabaseError {
    DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a page is not as it should be")
  }

  /// Finds out what each page is. Reads the inner pages of tables and indexes only, a few in a hundred.
  ///
  /// - Parameter db: In a transaction that may write, with an empty log.
  init(_ db: Database) throws {
    file = try Self.handle(db, SQLITE_FCNTL_FILE_POINTER)
    guard let methods = file.pointee.pMethods?.pointee else { throw Self.damage }
    self.methods = methods
    size = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
    guard size >= 512 else { throw Self.damage }
    var head = [UInt8](repeating: 0, count: 100)
    try Self.check(methods.xRead(file, &head, 100, 0))
    let first = Page(number: 1, bytes: head)
    usable = size - Int(head[20])
    count = try first.four(28)
    var bytes: sqlite3_int64 = 0
    try Self.check(methods.xFileSize(file, &bytes))
    guard usable >= 480, count >= 1, bytes >= Int64(count) * Int64(size) else { throw Self.damage }
    zeros = [UInt8](repeating: 0, count: size)
    kinds = [Kind](repeating: .other, count: count + 1)
    try findFree(from: first.four(32), count: first.four(36))
    let roots = try Int.fetchAll(
      db, sql: "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0 ORDER BY 1")
    for root in [1] + roots { try findTree(root) }
  }

  private mutating func findFree(from trunk: Int, count expected: Int) throws {
    var trunk = trunk
    var found = 0
    while trunk != 0 {
      try note(trunk, .trunk)
      let page = try read(trunk)
      let leaves = try page.four(4)
      guard 0...usable / 4 - 2 ~= leaves else { throw Self.damage }
      for index in 0..<leaves { try note(page.four(8 + 4 * index), .free) }
      found += 1 + leaves
      trunk = try page.four(0)
    }
    guard found == expected else { throw Self.damage }
  }

  /// Level by level: the leaves are known from the pages above them.
  private mutating func findTree(_ root: Int) throws {
    try note(root, .tree)
    var level = [root]
    while try read(level[0]).isInner {
      var below: [Int] = []
      for number in level {
        for child in try read(number).children() {
          try note(child, .tree)
          below.append(child)
        }
      }
      level = below
    }
  }

  private mutating func note(_ page: Int, _ kind: Kind) throws {
    guard page >= 1, page <= count, kinds[page] == .other else { throw Self.damage }
    kinds[page] = kind
  }

  // MARK: Zeros

  /// Overwrites what is dead from a page on. The first page holds the schema and is left alone.
  ///
  /// - Returns: The page to go on from when the time is up; nil at the end.
  mutating func overwrite(from first: Int, for time: Duration) throws -> Int? {
    let end = ContinuousClock.now + time
    var number = max(first, 2)
    while number <= count {
      switch kinds[number] {
      case .other: break
      case .free: try overwrite(0..<size, of: read(number))
      case .trunk:
        let page = try read(number)
        try overwrite(8 + 4 * page.four(4)..<usable, of: page)
      case .tree: try overwriteTree(read(number))
      }
      number += 1
      if number % Self.stride == 0, .now >= end { break }
    }
    if hasWritten { try Self.check(methods.xSync(file, SQLITE_SYNC_NORMAL)) }
    return number <= count ? number : nil
  }

  private mutating func overwriteTree(_ page: Page) throws {
    let cells = try page.cells()
    let content = try page.contentStart()
    let gap = page.cellPointers + 2 * cells.count
    guard gap <= content, content <= usable, cells.allSatisfy({ $0 >= content && $0 < usable })
    else {
      throw Self.damage
    }
    var dead = [gap..<content]
    var block = try page.two(1)
    while block != 0 {
      let next = try page.two(block)
      let end = try block + page.two(block + 2)
      guard block >= content, end >= block + 4, end <= usable, next == 0 || next > end else {
        throw Self.damage
      }
      dead.append(block + 4..<end)
      block = next
    }
    for range in dead { try overwrite(range, of: page) }
    guard page.hasTexts else { return }
    for cell in cells {
      guard let rest = try page.overflow(ofCell: cell, usable: usable) else { continue }
      try overwriteEnd(ofTextFrom: rest.page, bytes: rest.bytes)
    }
  }

  /// The last page of a long text is rarely full.
  private mutating func overwriteEnd(ofTextFrom first: Int, bytes: Int) throws {
    var rest = bytes
    var number = first
    let room = usable - 4
    while true {
      guard number >= 2, number <= count, kinds[number] == .other else { throw Self.damage }
      let page = try read(number)
      let next = try page.four(0)
      guard (next == 0) == (rest <= room) else { throw Self.damage }
      if next == 0 { return try overwrite(4 + rest..<usable, of: page) }
      rest -= room
      number = next
    }
  }

  private mutating func overwrite(_ range: Range<Int>, of page: Page) throws {
    let isClean = page.bytes.withUnsafeBytes { bytes in
      let bytes = UnsafeRawBufferPointer(rebasing: bytes[range])
      guard let start = bytes.baseAddress, !range.isEmpty else { return true }
      return memcmp(start, zeros, range.count) == 0
    }
    if isClean { return }
    let offset = Int64(page.number - 1) * Int64(size) + Int64(range.lowerBound)
    try Self.check(methods.xWrite(file, zeros, Int32(range.count), offset))
    hasWritten = true
  }

  private func read(_ number: Int) throws -> Page {
    var bytes = [UInt8](repeating: 0, count: size)
    try Self.check(methods.xRead(file, &bytes, Int32(size), Int64(number - 1) * Int64(size)))
    return Page(number: number, bytes: bytes)
  }

  // MARK: One page

  /// Reads past the end of a page are damage, as everything in it may be.
  private struct Page {
    let number: Int
    let bytes: [UInt8]

    /// The first page begins with the file's own head.
    private var head: Int { number == 1 ? 100 : 0 }

    func two(_ index: Int) throws -> Int {
      guard index >= 0, index + 2 <= bytes.count else { throw DeadBytes.damage }
      return Int(bytes[index]) << 8 | Int(bytes[index + 1])
    }

    func four(_ index: Int) throws -> Int { try two(index) << 16 | two(index + 2) }

    /// - Parameter index: Moves behind it.
    private func number(at index: inout Int) throws -> Int {
      var value = 0
      for place in 0..<9 {
        guard index < bytes.count else { throw DeadBytes.damage }
        let byte = Int(bytes[index])
        index += 1
        if place == 8 { return value << 8 | byte }
        value = value << 7 | byte & 0x7F
        if byte < 0x80 { break }
      }
      return value
    }

    var isInner: Bool { bytes[head] == 2 || bytes[head] == 5 }
    /// The inner pages of a table hold numbers only.
    var hasTexts: Bool { bytes[head] != 5 }
    private var isTable: Bool { bytes[head] == 13 }
    var cellPointers: Int { head + (isInner ? 12 : 8) }

    func contentStart() throws -> Int {
      let start = try two(head + 5)
      return start == 0 ? 65_536 : start
    }

    /// Where each cell begins.
    func cells() throws -> [Int] {
      guard [2, 5, 10, 13].contains(bytes[head]) else { throw DeadBytes.damage }
      return try (0..<two(head + 3)).map { try two(cellPointers + 2 * $0) }
    }

    func children() throws -> [Int] {
      guard isInner else { throw DeadBytes.damage }
      return try cells().map(four) + [four(head + 8)]
    }

    /// What of a cell stands on pages of its own, and the first of them.
    func overflow(ofCell cell: Int, usable: Int) throws -> (page: Int, bytes: Int)? {
      var index = isInner ? cell + 4 : cell
      let length = try number(at: &index)
      if isTable { _ = try number(at: &index) }
      let most = isTable ? usable - 35 : (usable - 12) * 64 / 255 - 23
      guard length > most else { return nil }
      let least = (usable - 12) * 32 / 255 - 23
      let wanted = least + (length - least) % (usable - 4)
      let here = wanted <= most ? wanted : least
      return (try four(index + here), length - here)
    }
  }
}
