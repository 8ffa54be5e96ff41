import CPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The files of a journal: made ready, put aside, seen from outside.
extension Journal {
  /// Makes the folder and the file that hooks append to, with room in it.
  ///
  /// - Throws: ``Refusal`` `system` where that cannot be; with `ENOSPC` the file is there all the same if
  ///   at all possible, without its room.
  package func prepare() throws(Refusal) {
    var status = stat()
    if lstat(file, &status) == 0, Self.isOwn(status), isOwn { return }
    if mkdir(folder, 0o700) != 0, errno != EEXIST { throw .system(errno) }
    guard isOwn else { throw .unprepared }
    let (fresh, problem) = try makeFresh()
    defer { unlink(fresh) }
    if link(fresh, file) != 0, errno != EEXIST {
      // A file system without hard links: a file without a header is as good.
      let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      guard descriptor >= 0 || errno == EEXIST else { throw .system(errno) }
      if descriptor >= 0 { close(descriptor) }
    }
    try synchronize(folder)
    try synchronize(home)
    if let problem { throw problem }
  }

  /// Gives hooks a new file once the present one has grown, so that it can be removed when all of it is
  /// taken in.
  ///
  /// - Throws: ``Refusal``; hooks go on with the present file then.
  func putAside() throws(Refusal) {
    var status = stat()
    guard lstat(file, &status) == 0, Self.isOwn(status), status.st_size > Self.room else { return }
    let (fresh, problem) = try makeFresh()
    defer { unlink(fresh) }
    if let problem { throw problem }
    let aside = "\(file).\(Self.padded(memoryd_wall_clock()))"
    // With a second name for it first there is no moment at which hooks find none. A file system
    // without such names keeps the one file.
    guard link(file, aside) == 0, rename(fresh, file) == 0 else { throw .system(errno) }
    try synchronize(folder)
  }

  /// The files that are there, those put aside first, in the order in which they were written.
  var files: [String] {
    let names = names
    let asides = names.filter { $0.hasPrefix(Self.name + ".") }.sorted().map { folder + "/" + $0 }
    return asides + (names.contains(Self.name) ? [file] : [])
  }

  private var names: [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      names.append(name)
    }
    return names
  }

  /// Removes what is left of sessions that never ended, and of processes that were killed.
  ///
  /// - Parameter seconds: Since it was written.
  package func tidy(olderThan seconds: Int) {
    let now = Int(memoryd_wall_clock() / 1_000_000)
    for name in names where name.hasPrefix(Self.told) || name.hasPrefix(Self.fresh) {
      var status = stat()
      guard lstat(folder + "/" + name, &status) == 0 else { continue }
      if now - JournalFile.changed(status) > seconds { unlink(folder + "/" + name) }
    }
  }

  /// True if a file holds more than what was taken in.
  package var isWaiting: Bool {
    files.contains { path in
      guard let file = try? JournalFile(path, isForTaking: false) else { return false }
      return file.taken < file.size
    }
  }

  /// A file that nobody knows yet, and why it has no room, if so.
  private func makeFresh() throws(Refusal) -> (path: String, problem: Refusal?) {
    let path = "\(folder)/\(Self.fresh)\(getpid())-\(Self.padded(memoryd_monotonic()))"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system(errno) }
    defer { close(descriptor) }
    let count = Self.header.withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
    guard count == Self.header.count else {
      let problem = Refusal.system(count < 0 ? errno : ENOSPC)
      unlink(path)
      throw problem
    }
    let hasRoom = memoryd_reserve(descriptor, Self.room + Int64(JournalFrame.largestPayload)) == 0
    let problem: Refusal? = hasRoom ? nil : .system(errno)
    guard memoryd_sync_data(descriptor) == 0 else {
      let problem = Refusal.system(errno)
      unlink(path)
      throw problem
    }
    return (path, problem)
  }

  private func synchronize(_ folder: String) throws(Refusal) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(errno) }
    defer { close(descriptor) }
    // Some file systems know no such thing.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw .system(errno) }
  }

  /// Digits that sort as the numbers do.
  private static func padded(_ number: Int64) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits
  }
}
