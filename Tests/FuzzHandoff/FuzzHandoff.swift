import Checkpoints
import Foundation
import MemoryStore

/// libFuzzer's entry: any bytes are a handoff document, a note in one, and a ledger.
///
/// Built by `make fuzz TARGET=handoff`; what it found stands in Seeds and runs as a test.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  func same(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }
  var handoff = Handoff(text)
  let once = handoff.markdown()
  precondition(same(Handoff(once).markdown(), once), "a document changes when it is read again")
  _ = handoff.contents
  _ = handoff.page()
  // Its last block may be open, and a note then stands in it: stable after one pass all the same.
  handoff.add(note: text)
  let added = Handoff(handoff.markdown()).markdown()
  precondition(same(Handoff(added).markdown(), added), "a note changes when it is read again")

  var sources = HandoffSources(snapshot: Snapshot())
  sources.note = text
  sources.changes = []
  let written = sources.handoff(HandoffFront(), now: 0)
  precondition(Handoff(written.markdown()) == written, "a note leaves its section")

  let ledger = Ledger.read(text).ledger.normalised()
  let document = ledger.markdown()
  precondition(Ledger.read(document).ledger == ledger, "a ledger is not read back")
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argc: UnsafeMutablePointer<CInt>,
  _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ callback: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// The package manager starts an executable here instead of at libFuzzer's own `main`.
@_cdecl("fuzz_handoff_main")
public func main(
  _ argc: CInt, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  var argc = argc
  var argv = argv
  return runDriver(&argc, &argv) { fuzz($0, $1) }
}
