import Checkpoints
import Core
import Foundation
import MemoryStore
import Redaction
import Transcripts

/// libFuzzer's entry: any bytes are a transcript, read whole and read in two parts.
///
/// Built by `make fuzz`; what it found stands in Tests/CheckpointsTests/Corpus and runs as a test.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: start, count: count)
  let path = NSTemporaryDirectory() + "memoryd-fuzz-\(getpid()).jsonl"
  func read(_ known: TranscriptPosition?, _ digest: SessionDigest) -> (
    TranscriptPosition, SessionDigest
  )? {
    guard let reader = try? TranscriptReader(path: path, known: known) else { return nil }
    let digest = reader.readsAnew ? SessionDigest() : digest
    guard let format = try? TranscriptFormat.of(reader, digest: digest) else { return nil }
    var transcript = format.transcript(digest: digest, redactor: Redactor(), of: reader)
    guard let report = try? reader.read({ transcript.ingest($0, line: $1) }) else { return nil }
    transcript.finish()
    return (report.end, transcript.digest)
  }
  // The first byte says where the file was cut when the first hook came.
  let cut = count == 0 ? 0 : count * Int(bytes[0]) / 256
  _ = FileManager.default.createFile(atPath: path, contents: Data(bytes[..<cut]))
  let first = read(nil, SessionDigest())
  if let handle = FileHandle(forWritingAtPath: path) {
    _ = try? handle.seekToEnd()
    try? handle.write(contentsOf: Data(bytes[cut...]))
    try? handle.close()
  }
  let second = read(first?.0, first?.1 ?? SessionDigest())
  guard let digest = second?.1 else { return 0 }
  // What is stored must come back as it was, and what is shown must fit its budget.
  precondition(SessionDigest(json: digest.json)?.json == digest.json)
  let document = RecoveryDocument(
    snapshot: Snapshot(digest, git: nil), summary: digest.summary, occasion: .compaction,
    takenAt: 0)
  precondition(document.markdown(now: 1, budget: 3000).utf16.count <= 3000)
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argc: UnsafeMutablePointer<CInt>,
  _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ callback: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// The package manager starts an executable here instead of at libFuzzer's own `main`.
@_cdecl("fuzz_transcript_main")
public func main(
  _ argc: CInt, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  var argc = argc
  var argv = argv
  return runDriver(&argc, &argv) { fuzz($0, $1) }
}
