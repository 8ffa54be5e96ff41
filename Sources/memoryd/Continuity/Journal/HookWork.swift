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
  }
}
