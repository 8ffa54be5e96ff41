import CPosix

/// What a hook does with the journal, in whichever process it runs.
extension Journal {
  /// Notes how the world stands and appends the record. When this returns, the record is durable, and
  /// the transcript that it names as far as its disk says so.
  ///
  /// The transcript is synced second: where its disk hangs, the record is safe, and who takes it in
  /// reads what there is of the transcript.
  ///
  /// - Parameters:
  ///   - start: As `memoryd_monotonic()`, when the hook began.
  ///   - mayAppend: Asked when all that the record holds is known; false if somebody has appended what
  ///     was known before.
  /// - Throws: ``Refusal``; the record is kept in no other place then.
  package func append(
    _ record: inout HookRecord, since start: Int64, mayAppend: () -> Bool = { true }
  ) throws(Refusal) {
    record.lookAround()
    let transcript = record.transcriptPath.flatMap { HookMoment.transcript($0) }
    record.transcript = transcript?.facts
    record.microseconds = memoryd_monotonic() - start
    let payload = record.encoded
    // No host's paths and names are that long.
    guard payload.count <= JournalFrame.largestPayload else { throw .tooLong }
    guard mayAppend() else { return }
    try append(payload)
    transcript?.synchronize()
  }

  // MARK: What a session was told

  /// News for a session that was told of earlier ones, once.
  ///
  /// - Returns: Nil for one that knows them, or that no start was seen of.
  package func takeNews(_ news: FrontState.News?, session: String?) -> String? {
    guard let news, let session, let path = toldFile(session),
      let known = SmallFile.read(path, limit: 32),
      let number = Int(String(decoding: known, as: UTF8.self)), number < news.number
    else { return nil }
    noteTold(news.number, session: session)
    return news.text
  }

  /// Bookkeeping: if it is lost, the session is told once more, or not.
  package func noteTold(_ number: Int, session: String) {
    guard let path = toldFile(session) else { return }
    let told = Array(String(number).utf8)
    // Mostly nothing is new, and to write a file costs more than all that a session start asks.
    if let known = SmallFile.read(path, limit: 32), known == told {
      // It is as young as its session: see ``tidy(olderThan:)``.
      SmallFile.touch(path)
      return
    }
    SmallFile.write(told, path)
  }

  /// A session's id comes from outside: only one that is safe in a file name has a file.
  private func toldFile(_ session: String) -> String? {
    let isSafe = session.utf8.allSatisfy {
      (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
        || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
    }
    return isSafe && (1...100).contains(session.utf8.count)
      ? folder + "/" + Self.told + session : nil
  }
}
