package import Core
package import Journal

/// What is done for a hook, once its record is taken in.
package struct HookWork {
  let service: MemoryService

  package init(service: MemoryService) {
    self.service = service
  }

  package func carryOut(_ record: HookRecord) throws(StoreError) {
    if record.input.isSubagent {
      try CheckpointService(service: service).ingestSubagent(record)
    } else if record.endsSession {
      try SessionEndService(service: service).end(record)
    } else {
      _ = try CheckpointService(service: service).take(for: record)
    }
    noteRepair(record.input)
  }

  /// Keeps that a host's JSON was not whole. Once, when the work is done: what has to wait comes again.
  package func noteRepair(_ input: HookInput) {
    guard input.isRepaired else { return }
    service.context.noteProblem(
      input.event, .invalid, "the hook's JSON was cut off; what could be read of it was used")
  }
}
