/// What a command, an MCP tool or the daemon's background works with during one call.
///
/// It only holds the parts; who needs one of them takes that one.
package struct MemoryService {
  package let context: CallContext
  package let store: StoreDoor
  package let repositories: RepositoryFacts
  /// Takes what the caller need not wait for; nil where nobody is there afterwards.
  let deferredWork: DeferredWork?
  package let hookOutput = HookOutput()

  package init(_ context: CallContext, deferredWork: DeferredWork? = nil) {
    self.context = context
    self.deferredWork = deferredWork
    repositories = RepositoryFacts(context)
    store = StoreDoor(context)
  }

  /// - Throws: ``CommandError`` where the settings or the folder of the store are wrong.
  package init(invocation: Invocation, homeFlag: String?, isLenient: Bool) throws {
    self.init(
      try CallContext(invocation: invocation, homeFlag: homeFlag, isLenient: isLenient),
      deferredWork: invocation.deferredWork)
  }

  /// For a record of the journal, with the store that another call has open.
  init(
    _ context: CallContext, store: StoreDoor, _ repositories: RepositoryFacts,
    deferredWork: DeferredWork?
  ) {
    self.context = context
    self.store = store
    self.repositories = repositories
    self.deferredWork = deferredWork
  }

  package var writer: DurableWriter { DurableWriter(context, store) }
  package var vault: VaultService { VaultService(context, store) }
}
